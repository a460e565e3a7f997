"""What a search did and how long it took: in words, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hyper_ir.search.budget import Budget
from hyper_ir.search.latency import Latency, percentile
from hyper_ir.search.pruning_cost import PruningCost
from hyper_ir.version import __version__
from hyper_ir.wording import counted

FORMAT = 1


@dataclass
class Report:
    """What a search did: filled while its results are consumed.

    Attributes
    ----------
    batch_size, threads: topics handed to the engine together, and searched at a time.
    hits_asked: passages asked of the engine for a topic.
    pages_asked: pages for a topic; None where passages are not collapsed.
    delimiter: between page and passage number.
    batches: for each batch, its number of topics and the seconds inside the engine.
    encode_seconds: that the topics took to be encoded; 0 where they were encoded already.
    short: topics with fewer pages than asked for although more passages may match.
    empty: topics that found nothing.
    hits: lines of the run.
    paged: whether any passage's id had a page and the delimiter.
    terms: the mean number of terms of a query as it was searched; None for texts.
    query_terms: what queries were cut to; None where they are whole.
    budget, cost: what a latency budget found, and what pruning costs, where measured.
    latency: one query at a time, by number of threads, where measured.
    """

    batch_size: int = 1
    threads: int = 1
    hits_asked: int = 1000
    pages_asked: int | None = None
    delimiter: str = "#"
    batches: list[tuple[int, float]] = field(default_factory=list)
    encode_seconds: float = 0.0
    short: int = 0
    empty: int = 0
    hits: int = 0
    paged: bool = False
    terms: float | None = None
    query_terms: int | None = None
    budget: Budget | None = None
    cost: PruningCost | None = None
    latency: Mapping[int, Latency] = field(default_factory=dict)

    @property
    def topics(self) -> int:
        """Topics searched."""
        return sum(size for size, _ in self.batches)

    @property
    def search_seconds(self) -> float:
        """Time inside the engine."""
        return sum(seconds for _, seconds in self.batches)

    @property
    def seconds(self) -> float:
        """From texts to hits."""
        return self.encode_seconds + self.search_seconds

    @property
    def encode_share(self) -> float:
        """Of that time, encoding's share, from 0 to 1."""
        return self.encode_seconds / self.seconds if self.seconds else 0.0

    @property
    def queries_per_second(self) -> float:
        """Topics encoded and searched in a second."""
        return self.topics / max(self.seconds, 1e-9)

    def milliseconds(self, percent: float) -> float:
        """A percentile over topics; each is given its batch's mean, and that of encoding."""
        encode = self.encode_seconds / self.topics if self.topics else 0.0
        each = [encode + seconds / size for size, seconds in self.batches for _ in range(size)]
        return percentile(each, percent)

    def lines(self) -> list[str]:
        """What a user should know, a sentence each."""
        said = [self._time(), self._latency()]
        if self.query_terms is not None:
            mean = f", {self.terms:.1f} on average" if self.terms is not None else ""
            said.append(f"queries cut to their {counted(self.query_terms, 'heaviest term')}{mean}")
        said += [self.budget.line()] if self.budget is not None else []
        said += self.cost.lines() if self.cost is not None else []
        return said + self._remarks()

    def _time(self) -> str:
        topics = counted(self.topics, "topic")
        if not self.encode_seconds:
            return f"{topics} searched in {self.seconds:.2f} s"
        encode = f"encoding {self.encode_seconds:.2f} s ({self.encode_share:.0%})"
        search = f"searching {self.search_seconds:.2f} s ({1 - self.encode_share:.0%})"
        return f"{topics} in {self.seconds:.2f} s: {encode}, {search}"

    def _latency(self) -> str:
        p50, p95 = self.milliseconds(50), self.milliseconds(95)
        said = (
            f"{self.queries_per_second:,.1f} queries/s, p50 {p50:.1f} ms, p95 {p95:.1f} ms a query"
        )
        if self.batch_size == 1 and not self.encode_seconds:
            return said
        means = f" (means of batches of {self.batch_size}, {counted(self.threads, 'thread')}"
        return f"{said}{means}; --latency measures one query at a time)"

    def _remarks(self) -> list[str]:
        said = []
        if self.empty:
            said.append(f"{counted(self.empty, 'topic')} found nothing")
        if self.short:
            said.append(
                f"{counted(self.short, 'topic has', 'topics have')} fewer than "
                f"{self.pages_asked} pages in the best {counted(self.hits_asked, 'passage')}; "
                "--fill-pages or a larger --hits looks further"
            )
        if self.pages_asked is not None and self.hits and not self.paged:
            said.append(
                f"no hit's id has the delimiter {self.delimiter!r}: nothing was collapsed to pages"
            )
        return said

    def as_json(self) -> dict[str, Any]:
        """All figures as an object that JSON can hold; ``latency`` has a row a thread number."""
        search_share = 1 - self.encode_share if self.seconds else 0.0
        return {
            "format": FORMAT,
            "hyper_ir": __version__,
            "topics": self.topics,
            "hits": self.hits,
            "topics_without_hits": self.empty,
            "topics_short_of_pages": self.short,
            "batch_size": self.batch_size,
            "threads": self.threads,
            "seconds": {
                "encode": self.encode_seconds,
                "search": self.search_seconds,
                "total": self.seconds,
            },
            "share": {"encode": self.encode_share, "search": search_share},
            "queries_per_second": self.queries_per_second,
            "batch_mean_milliseconds": {
                "p50": self.milliseconds(50),
                "p95": self.milliseconds(95),
            },
            "query_terms": {"limit": self.query_terms, "mean": self.terms},
            "latency_budget": self.budget.as_json() if self.budget is not None else None,
            "pruning_cost": self.cost.as_json() if self.cost is not None else None,
            "latency": [
                {"threads": threads, **asdict(each)} for threads, each in self.latency.items()
            ],
        }


def print_latency(latency: Mapping[int, Latency]) -> None:
    """Print a table on stdout: a row for each number of threads."""
    from hyper_ir.evaluation.rendering import print_tables
    from hyper_ir.evaluation.tables import Cell, Table

    first = next(iter(latency.values()))
    rows = [
        (
            f"{threads}",
            f"{each.queries_per_second:,.1f}",
            f"{each.p50:.1f}",
            f"{each.p95:.1f}",
            f"{each.encode_share:.0%}",
            f"{1 - each.encode_share:.0%}",
        )
        for threads, each in latency.items()
    ]
    passes = counted(first.passes, "pass", "passes")
    queries = counted(first.queries, "query", "queries")
    note = f"medians of {passes} over {queries} each, after one to warm up"
    header = ["threads", "queries/s", "p50 ms", "p95 ms", "encode", "search"]
    cells = [[Cell(text) for text in row] for row in rows]
    print_tables([Table("latency, one query at a time", header, cells, note, words=0)])
