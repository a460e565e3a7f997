"""Topics searched and written as a TREC run, with a manifest beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from hyper_ir.data.runs import write_run
from hyper_ir.data.topics import read_topics
from hyper_ir.files import require_writable
from hyper_ir.lucene.indexing import TextAnalysis
from hyper_ir.lucene.searching import K1, B, BM25Searcher
from hyper_ir.manifest import Manifest, check_fits, read_manifest, write_manifest
from hyper_ir.problems import Problems
from hyper_ir.search.encoded_topics import is_tsv, read_encoded_topics
from hyper_ir.search.engines import Engine, plan
from hyper_ir.search.pipeline import Depth, Report, Search, Searcher, stock_order
from hyper_ir.search.query_checks import check_known, say, tell_plain_texts, within_limit
from hyper_ir.search.query_encoders import ModelSettings, QueryEncoder, open_encoder

Query = TypeVar("Query")


@dataclass(frozen=True, slots=True)
class Job:
    """What every search needs.

    Attributes
    ----------
    index: a Lucene index (for impacts also a file or folder of vectors).
    topics: a source for ``read_topics``, or a file of encoded topics.
    output: the run to write.
    depth: how many hits, and of what.
    topics_format: as in ``read_topics``.
    tag: the run's name in its last column; None for the output's name without its ending.
    batch_size, threads: topics handed over together, and searched at a time.
    """

    index: str
    topics: str
    output: str
    depth: Depth = Depth()  # noqa: RUF009 - frozen
    topics_format: str = "auto"
    tag: str | None = None
    batch_size: int = 64
    threads: int = 1

    def check_output(self) -> None:
        """Raise ValueError unless the run can be written where it should be."""
        path = require_writable(self.output, "output")
        if self.tag is not None and self.tag.split() != [self.tag]:
            raise ValueError(f"tag: {self.tag!r} is not a word without white space")
        if path.exists() and Path(self.topics).exists() and path.samefile(self.topics):
            raise ValueError(f"output: {path} is the topics file")

    def run_name(self) -> str:
        """What stands in the last column; evaluations and tables call the run so."""
        if self.tag is not None:
            return self.tag
        stem = Path(Path(self.output).name.removesuffix(".gz")).stem
        return "-".join(stem.split()) or "hyper_ir"


def bm25_run(
    job: Job,
    *,
    k1: float = K1,
    b: float = B,
    analysis: TextAnalysis | None = None,
    problems: Problems | None = None,
    progress: bool = True,
) -> Report:
    """Search texts by BM25 and write the run; return what was done.

    Raises ValueError for anything wrong with index, topics or output before the search begins.
    """
    job.check_output()
    topics = read_topics(job.topics, job.topics_format, problems)
    searcher = BM25Searcher(job.index, k1=k1, b=b, analysis=analysis)
    config = {"engine": "lucene", "k1": k1, "b": b, "analysis": asdict(searcher.analysis)}
    texts = {topic.id: topic.text for topic in topics}
    return _write(job, searcher, texts, Manifest("run", config=config), progress)


def impact_run(
    job: Job,
    *,
    encoder: str | QueryEncoder | None = None,
    settings: ModelSettings | None = None,
    engine: Engine = "auto",
    min_idf: float = 0,
    problems: Problems | None = None,
    progress: bool = True,
) -> Report:
    """Search impacts and write the run; return what was done.

    ``encoder`` turns the topics' texts into vectors: a model's name or folder, a file of cached
    vectors, or any ``QueryEncoder``. Without one the topics are encoded already.

    Raises ValueError for anything wrong with index, topics, encoder or output before the search
    begins; also when index and queries are made over different vocabularies, and when no topic
    has a token of the index. ``problems`` is told of bad records among topics and vectors.
    """
    job.check_output()
    chosen = plan(job.index, engine)
    if encoder is None:
        queries, origin = read_encoded_topics(job.topics, problems), read_manifest(job.topics)
        if origin is not None and not origin.model:
            raise ValueError(
                f"topics: {job.topics} holds texts, says its manifest; --encoder MODEL encodes them"
            )
        check_fits(chosen.manifest, origin, str(chosen.path))
    else:
        texts = read_topics(job.topics, job.topics_format, problems)
        if isinstance(encoder, str):
            encoder = open_encoder(encoder, settings or ModelSettings(), problems)
        origin = encoder.manifest
        check_fits(chosen.manifest, origin, str(chosen.path))
        vectors = encoder.encode([topic.text for topic in texts])
        queries = [(topic.id, vector) for topic, vector in zip(texts, vectors, strict=True)]
    if chosen.why:
        say(chosen.why)
    searcher = chosen.open(min_idf, progress, problems)
    kept = within_limit(queries)
    check_known(searcher, kept, job.topics, job.index)
    if encoder is None and origin is None:
        tell_plain_texts(searcher, kept, job.topics, is_tsv(job.topics))
    manifest = Manifest(
        "run",
        model=origin.model if origin is not None else {},
        vocabulary=origin.vocabulary if origin is not None else "",
        quantiser=origin.quantiser if origin is not None else {},
        config={"engine": chosen.engine, "min_idf": min_idf},
    )
    return _write(job, searcher, dict(kept), manifest, progress)


def _write(
    job: Job,
    searcher: Searcher[Query],
    queries: dict[str, Query],
    manifest: Manifest,
    progress: bool,
) -> Report:
    search = Search(searcher, job.depth, job.batch_size, job.threads)
    topics = [(id, queries[id]) for id in stock_order(queries)]
    write_run(job.output, search.run(topics, progress), job.run_name())
    report = search.report
    manifest.config.update(depth=asdict(job.depth), tag=job.run_name())
    manifest.inputs.update(index=str(Path(job.index).resolve()), topics=job.topics)
    manifest.counts.update(topics=report.topics, hits=report.hits, empty=report.empty)
    write_manifest(job.output, manifest)
    return report
