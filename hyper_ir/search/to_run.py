"""Topics searched and written as a TREC run, with a manifest beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from hyper_ir.data.runs import write_run
from hyper_ir.data.topics import read_topics
from hyper_ir.files import require_writable
from hyper_ir.lucene.indexing import TextAnalysis
from hyper_ir.lucene.jvm import CLAUSE_LIMIT
from hyper_ir.lucene.opening import described
from hyper_ir.lucene.queries import Vector, require_positive
from hyper_ir.lucene.searching import K1, B, BM25Searcher
from hyper_ir.lucene.shards import run_shards
from hyper_ir.manifest import Manifest, check_fits, write_manifest_first
from hyper_ir.problems import Problems
from hyper_ir.search.encoded_topics import EncodedTopic
from hyper_ir.search.engines import Engine, ImpactEngine, Plan, plan
from hyper_ir.search.idf_weighting import IdfWeighted
from hyper_ir.search.latency import QUERIES, Latency, evenly_drawn
from hyper_ir.search.measuring import Pruning, chosen_terms, latency_by_threads
from hyper_ir.search.pipeline import Depth, Search, stock_order
from hyper_ir.search.pruning import keep_heaviest
from hyper_ir.search.pruning_cost import Judge
from hyper_ir.search.query_checks import check_known, check_plain_texts, say, within_limit
from hyper_ir.search.query_encoders import ModelSettings, QueryEncoder, open_encoder
from hyper_ir.search.report import Report
from hyper_ir.search.sources import Texts, Vectors, read_encoded

Query = TypeVar("Query")

WHOLE = Pruning()


@dataclass(frozen=True, slots=True)
class Job:
    """What every search needs.

    Attributes
    ----------
    index: a Lucene index, a folder of shards, or several of either; for impacts also a file or
        folder of vectors, or a collection of the Milvus at ``uri``.
    topics: a source for ``read_topics``, or a file of encoded topics.
    output: the run to write.
    depth: how many hits, and of what.
    topics_format: as in ``read_topics``.
    tag: the run's name in its last column; None for the output's name without its ending.
    batch_size, threads: topics handed over together, and searched at a time.
    uri: where Milvus is, for its engine.
    """

    index: str | Sequence[str]
    topics: str
    output: str
    depth: Depth = Depth()  # noqa: RUF009 - frozen
    topics_format: str = "auto"
    tag: str | None = None
    batch_size: int = 64
    threads: int = 1
    uri: str | None = None

    def __post_init__(self) -> None:
        require_positive(batch_size=self.batch_size, threads=self.threads)

    def indexes(self) -> str:
        """What is searched, for messages."""
        return self.index if isinstance(self.index, str) else " ".join(self.index)

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
    latency: Sequence[int] = (),
    sample: int = QUERIES,
    problems: Problems | None = None,
    progress: bool = True,
) -> Report:
    """Search texts by BM25 and write the run; return what was done.

    ``latency`` names numbers of threads for which, after the run, single queries are timed on
    ``sample`` topics. Raises ValueError for anything wrong with index, topics or output before the
    search begins.
    """
    job.check_output()
    topics = read_topics(job.topics, job.topics_format, problems)
    searcher = BM25Searcher(job.index, k1=k1, b=b, analysis=analysis)
    shards = searcher.indexes.shards
    if searcher.indexes.partial:
        say(
            f"searching {described(searcher.indexes)} by their own statistics: BM25 scores of "
            "parts cannot be merged; search all shards together"
        )
    config: dict[str, Any] = {
        "engine": "lucene",
        "k1": k1,
        "b": b,
        "analysis": asdict(searcher.analysis),
    }
    texts = [(topic.id, topic.text) for topic in topics]
    search = Search(searcher, job.depth, job.batch_size, job.threads)
    manifest = Manifest("run", config=config | run_shards(shards))
    report = _write(job, search, texts, manifest, progress)
    if latency:
        report.latency = latency_by_threads(
            texts, lambda topic: topic, search, latency, sample, progress
        )
    return report


def impact_run(
    job: Job,
    *,
    encoder: str | QueryEncoder | None = None,
    settings: ModelSettings | None = None,
    engine: Engine = "auto",
    min_idf: float = 0,
    idf_power: float = 0,
    pruning: Pruning = WHOLE,
    latency: Sequence[int] = (),
    problems: Problems | None = None,
    progress: bool = True,
) -> Report:
    """Search impacts and write the run; return what was done.

    ``encoder`` turns the topics' texts into vectors: a model's name or folder, a file of cached
    vectors, or any ``QueryEncoder``. Without one the topics are encoded already. ``pruning`` says
    how many terms a query keeps; ``idf_power`` is the power of the collection's idf that their
    weights are then multiplied by. ``latency`` names numbers of threads for which, after the run,
    single queries are timed, from text to hits.

    Raises ValueError for anything wrong with index, topics, encoder or output before the search
    begins; also when index and queries are made over different vocabularies, when no topic has a
    token of the index, when encoded topics look like texts, and when the latency budget cannot be
    kept. ``problems`` is told of bad
    records among topics, judgments and vectors.
    """
    job.check_output()
    judge = pruning.judge(problems)
    chosen = plan(job.index, engine, job.uri)
    judged = partial(_require_judged, judge, pruning.sample)
    source = _open_source(job, encoder, settings, chosen, judged, problems)
    if chosen.why:
        say(chosen.why)
    searcher = chosen.open(min_idf, progress, problems)
    if idf_power:
        searcher = IdfWeighted(searcher, idf_power)
    search = Search(searcher, job.depth, job.batch_size, job.threads)
    kept = _checked(job, searcher, source.topics) if isinstance(source, Vectors) else []
    if isinstance(source, Vectors) and source.origin is None:
        check_plain_texts(searcher, kept, job.topics, source.by_repetition)
    pruned = chosen_terms(source, search, pruning, judge, progress)
    seconds = 0.0
    if isinstance(source, Texts):
        queries, seconds = source.encoded()
        kept = _checked(job, searcher, queries)
    cut = keep_heaviest(kept, pruned.terms)
    report = search.report
    report.encode_seconds, report.query_terms = seconds, pruned.terms
    report.terms = sum(len(vector) for _, vector in cut) / len(cut)
    report.budget, report.cost = pruned.budget, pruned.cost
    config = {"engine": chosen.engine, "min_idf": min_idf, "idf_power": idf_power}
    config |= run_shards(chosen.shards)
    manifest = _manifest(source.origin, report, config)
    _write(job, search, cut, manifest, progress)
    if latency:
        report.latency = _latency(source, pruned.terms, search, latency, pruning.sample, progress)
    return report


def _open_source(
    job: Job,
    encoder: str | QueryEncoder | None,
    settings: ModelSettings | None,
    chosen: Plan,
    judged: Callable[[Sequence[str]], None],
    problems: Problems | None,
) -> Texts | Vectors:
    """The topics, texts or vectors; raises ValueError where they do not fit the index.

    ``judged`` is told their ids before a model is loaded.
    """
    if encoder is None:
        vectors = read_encoded(job.topics, problems)
        judged([id for id, _ in vectors.topics])
        check_fits(chosen.manifest, vectors.origin, str(chosen.path))
        return vectors
    topics = read_topics(job.topics, job.topics_format, problems)
    judged([topic.id for topic in topics])
    called = None
    if isinstance(encoder, str):
        called, encoder = encoder, open_encoder(encoder, settings or ModelSettings(), problems)
    check_fits(chosen.manifest, encoder.manifest, str(chosen.path), called)
    return Texts([(topic.id, topic.text) for topic in topics], encoder)


def _require_judged(judge: Judge | None, sample: int, ids: Sequence[str]) -> None:
    """Raise ValueError where no topic of the sample that is to be scored has judgments."""
    if judge is not None:
        judge.judged(evenly_drawn(ids, sample))


def _checked(
    job: Job, searcher: ImpactEngine, queries: Sequence[EncodedTopic]
) -> list[EncodedTopic]:
    kept = within_limit(queries)
    check_known(searcher, kept, job.topics, job.indexes())
    return kept


def _latency(
    source: Texts | Vectors,
    terms: int | None,
    search: Search[Vector],
    threads: Sequence[int],
    sample: int,
    progress: bool,
) -> dict[int, Latency]:
    """Single queries, cut as those of the run."""
    limit = CLAUSE_LIMIT if terms is None else terms
    if isinstance(source, Vectors):
        cut = keep_heaviest(source.topics, limit)
        return latency_by_threads(cut, lambda topic: topic, search, threads, sample, progress)
    encode = source.encode
    return latency_by_threads(
        source.topics,
        lambda topic: keep_heaviest([encode(topic)], limit)[0],
        search,
        threads,
        sample,
        progress,
    )


def _place(job: Job) -> str | list[str]:
    """Where what was searched stands."""
    if job.uri is not None:
        return job.indexes()
    if isinstance(job.index, str):
        return str(Path(job.index).resolve())
    return [str(Path(each).resolve()) for each in job.index]


def _manifest(origin: Manifest | None, report: Report, config: dict[str, Any]) -> Manifest:
    """That of the run: its model is the queries' own."""
    config |= {"query_terms": report.query_terms}
    if report.budget is not None:
        config["latency_budget"] = report.budget.as_json()
    if report.cost is not None:
        config["pruning_cost"] = report.cost.as_json()
    return Manifest(
        "run",
        model=origin.model if origin is not None else {},
        vocabulary=origin.vocabulary if origin is not None else "",
        quantiser=origin.quantiser if origin is not None else {},
        config=config,
    )


def _write(
    job: Job,
    search: Search[Query],
    queries: Sequence[tuple[str, Query]],
    manifest: Manifest,
    progress: bool,
) -> Report:
    by_id = dict(queries)
    topics = [(id, by_id[id]) for id in stock_order(by_id)]
    report = search.report

    def describe() -> None:
        manifest.config.update(depth=asdict(job.depth), tag=job.run_name())
        manifest.inputs.update(index=_place(job), topics=job.topics)
        manifest.counts.update(topics=report.topics, hits=report.hits, empty=report.empty)
        write_manifest_first(job.output, manifest)

    write_run(job.output, search.run(topics, progress), job.run_name(), describe)
    return report
