"""Topics searched and written as a TREC run, with a manifest beside it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from hyper_ir.data.runs import write_run
from hyper_ir.data.topics import read_topics
from hyper_ir.data.vectors import EMPTY_QUERY
from hyper_ir.lucene.indexing import TextAnalysis
from hyper_ir.lucene.jvm import CLAUSE_LIMIT, STOCK_CLAUSE_LIMIT
from hyper_ir.lucene.queries import heaviest
from hyper_ir.lucene.searching import K1, B, BM25Searcher
from hyper_ir.manifest import Manifest, check_fits, read_manifest, write_manifest
from hyper_ir.problems import Problems
from hyper_ir.search.encoded_topics import EncodedTopic, read_encoded_topics
from hyper_ir.search.engines import Engine, ImpactEngine, plan
from hyper_ir.search.pipeline import Depth, Report, Search, Searcher, stock_order
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
    tag: the run's name in its last column.
    batch_size, threads: topics handed over together, and searched at a time.
    """

    index: str
    topics: str
    output: str
    depth: Depth = Depth()  # noqa: RUF009 - frozen
    topics_format: str = "auto"
    tag: str = "hyper_ir"
    batch_size: int = 64
    threads: int = 1

    def check_output(self) -> None:
        """Raise ValueError unless the run can be written where it should be."""
        path = Path(self.output)
        if path.is_dir():
            raise ValueError(f"output: {path} is a folder; a file is needed")
        if not self.tag or self.tag.split() != [self.tag]:
            raise ValueError(f"tag: {self.tag!r} is not a word without white space")
        above = next((each for each in path.resolve().parents if each.exists()), Path())
        if not above.is_dir() or not os.access(above, os.W_OK):
            raise ValueError(f"output: {path} cannot be written: {above} takes no file")
        if path.exists() and Path(self.topics).exists() and path.samefile(self.topics):
            raise ValueError(f"output: {path} is the topics file")


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
    has a token of the index.
    """
    job.check_output()
    chosen = plan(job.index, engine)
    if encoder is None:
        queries, origin = read_encoded_topics(job.topics, problems), read_manifest(job.topics)
        check_fits(chosen.manifest, origin, str(chosen.path))
    else:
        texts = read_topics(job.topics, job.topics_format, problems)
        if isinstance(encoder, str):
            encoder = open_encoder(encoder, settings or ModelSettings())
        origin = encoder.manifest
        check_fits(chosen.manifest, origin, str(chosen.path))
        vectors = encoder.encode([topic.text for topic in texts])
        queries = [(topic.id, vector) for topic, vector in zip(texts, vectors, strict=True)]
    if chosen.why:
        _say(chosen.why)
    searcher = chosen.open(min_idf, progress)
    kept = _within_limit(queries)
    _check_known(searcher, kept, job)
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
    write_run(job.output, search.run(topics, progress), job.tag)
    report = search.report
    manifest.config.update(depth=asdict(job.depth), tag=job.tag)
    manifest.inputs.update(index=str(Path(job.index).resolve()), topics=job.topics)
    manifest.counts.update(topics=report.topics, hits=report.hits, empty=report.empty)
    write_manifest(job.output, manifest)
    return report


def _within_limit(queries: Sequence[EncodedTopic]) -> list[EncodedTopic]:
    """Cut queries to Lucene's lifted limit by weight (also for the exact engine), and say it."""
    long = sum(len(vector) > STOCK_CLAUSE_LIMIT for _, vector in queries)
    if long:
        _say(
            f"{long:,} topics have over {STOCK_CLAUSE_LIMIT:,} tokens, where Lucene by itself "
            f"stops; its limit is lifted to {CLAUSE_LIMIT:,} here"
        )
    cut = [id for id, vector in queries if len(vector) > CLAUSE_LIMIT]
    if cut:
        _say(
            f"{len(cut):,} topics have over {CLAUSE_LIMIT:,} tokens ({', '.join(cut[:3])}, …): "
            "searched with their heaviest"
        )
    return [(id, heaviest(vector, CLAUSE_LIMIT)) for id, vector in queries]


def _check_known(searcher: ImpactEngine, queries: Sequence[EncodedTopic], job: Job) -> None:
    """Tell topics that cannot find anything; raise ValueError when none can."""
    unknown = [
        id
        for id, vector in queries
        if set(vector) != {EMPTY_QUERY} and not any(map(searcher.knows, vector))
    ]
    if len(unknown) == len(queries):
        raise ValueError(
            f"topics: none of the {len(queries):,} topics of {job.topics} has a token that occurs "
            f"in {job.index}; plain texts need --encoder MODEL, and encoded topics the model of "
            "the index"
        )
    if unknown:
        _say(
            f"{len(unknown):,} of {len(queries):,} topics have no token that occurs in the index "
            f"({', '.join(unknown[:3])}{', …' if len(unknown) > 3 else ''}); they find nothing"
        )


def _say(text: str) -> None:
    print(f"notice: {text}", file=sys.stderr)
