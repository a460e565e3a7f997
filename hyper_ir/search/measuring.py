"""One query at a time through encoder and searcher: by threads, under a budget, what pruning costs.

The topics measured are a sample at even distances, gone through until there are enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from hyper_ir.lucene.jvm import CLAUSE_LIMIT
from hyper_ir.lucene.queries import Vector
from hyper_ir.problems import Problems
from hyper_ir.search.budget import Budget, refuse_encoding, terms_within
from hyper_ir.search.encoded_topics import EncodedTopic
from hyper_ir.search.latency import (
    PASSES,
    QUERIES,
    Latency,
    Timing,
    evenly_drawn,
    interleaved,
    one_at_a_time,
    percentile,
    repeated,
    summary,
    timed,
)
from hyper_ir.search.pipeline import Search
from hyper_ir.search.pruning import keep_heaviest
from hyper_ir.search.pruning_cost import Judge, PruningCost, pruning_cost
from hyper_ir.search.sources import Texts, Vectors

Topic = TypeVar("Topic")
Query = TypeVar("Query")

MEASURE = "nDCG@10"


@dataclass(frozen=True, slots=True)
class Pruning:
    """How many terms of a query are searched, and how that is judged.

    Attributes
    ----------
    terms: the heaviest so many; None for all.
    budget: milliseconds in which 95 of 100 queries shall be answered, each on its own, from text
        to hits; as many terms are kept as that allows.
    qrels: judgments by which the cost in score is measured; None for none.
    measure: by which it is.
    sample: topics that are measured.
    """

    terms: int | None = None
    budget: float | None = None
    qrels: str | None = None
    measure: str = MEASURE
    sample: int = QUERIES

    def __post_init__(self) -> None:
        if self.terms is not None and self.budget is not None:
            raise ValueError("query terms and a latency budget exclude each other; give one")
        keep_heaviest([], self.terms)
        evenly_drawn([], self.sample)
        if self.budget is not None and not 0 < self.budget < float("inf"):
            raise ValueError(f"latency budget: {self.budget:g} ms is not a positive number")
        if self.qrels is not None and self.terms is None and self.budget is None:
            raise ValueError(
                "qrels: nothing is pruned, so there is no cost to score; hyper_ir.evaluate scores "
                "a run"
            )

    def judge(self, problems: Problems | None = None) -> Judge | None:
        """The judgments; raises ValueError for them, or for an unknown measure."""
        if self.qrels is None:
            return None
        return Judge.from_qrels(self.qrels, self.measure, problems)


@dataclass(frozen=True)
class Pruned:
    """How many terms queries keep (None: all), what the budget found, what it costs."""

    terms: int | None
    budget: Budget | None = None
    cost: PruningCost | None = None


def latency_by_threads(
    topics: Sequence[Topic],
    encode: Callable[[Topic], tuple[str, Query]],
    search: Search[Query],
    threads: Sequence[int],
    sample: int = QUERIES,
    progress: bool = True,
) -> dict[int, Latency]:
    """Measure the latency with so many queries at a time, for each number of threads in turn.

    ``search`` finds the lists; its own batch size and threads are not used. The topics are a
    sample of ``sample``, repeated until a pass has ``QUERIES``.
    """
    taken = repeated(evenly_drawn(topics, sample))
    answer = _answering(encode, search, lambda query: query)
    cells = {number: partial(one_at_a_time, taken, answer, number) for number in threads}
    passes = interleaved(cells, PASSES, progress=progress)
    return {number: summary(passes[number]) for number in threads}


def chosen_terms(
    source: Texts | Vectors,
    search: Search[Vector],
    pruning: Pruning,
    judge: Judge | None = None,
    progress: bool = True,
) -> Pruned:
    """How many terms queries are to keep, by number or by budget, and what that costs.

    A number costs nothing to choose, and is judged only where there are judgments; a budget is
    measured and judged on the sample. Raises ValueError for a budget that cannot be kept.
    """
    if pruning.terms is not None and judge is None:
        return Pruned(pruning.terms)
    if pruning.budget is None and pruning.terms is None:
        return Pruned(None)
    if isinstance(source, Texts):
        return _chosen(source.topics, source.encode, search, pruning, judge, progress)
    return _chosen(source.topics, source.encode, search, pruning, judge, progress)


def _chosen(
    topics: Sequence[Topic],
    encode: Callable[[Topic], EncodedTopic],
    search: Search[Vector],
    pruning: Pruning,
    judge: Judge | None,
    progress: bool,
) -> Pruned:
    sample = evenly_drawn(topics, pruning.sample)
    queries = keep_heaviest(_encoded(sample, encode, pruning.budget), CLAUSE_LIMIT)
    if judge is not None:
        judge.judged([id for id, _ in queries])
    budget = None
    terms = pruning.terms
    if pruning.budget is not None:
        most = max(len(vector) for _, vector in queries)
        taken = repeated(sample)

        def measure(terms: int) -> Latency:
            answer = _answering(encode, search, partial(_cut, terms))
            cell = {terms: partial(one_at_a_time, taken, answer)}
            return summary(interleaved(cell, PASSES)[terms])

        budget = terms_within(pruning.budget, most, measure, progress)
        terms = budget.terms
    whole, pruned = search.lists(queries), search.lists(keep_heaviest(queries, terms))
    return Pruned(terms, budget, pruning_cost(whole, pruned, judge))


def _encoded(
    sample: Sequence[Topic], encode: Callable[[Topic], EncodedTopic], budget: float | None
) -> list[EncodedTopic]:
    """The sample's vectors; raises ValueError where encoding alone takes longer than the budget."""
    queries: list[EncodedTopic] = []
    answer = timed(encode, queries.append)
    timings = [answer(topic) for topic in [*sample[:1], *sample]]  # the first warms up
    if budget is not None:
        refuse_encoding(budget, percentile([each.encode for each in timings[1:]], 50))
    return queries[1:]


def _cut(terms: int, query: EncodedTopic) -> EncodedTopic:
    return keep_heaviest([query], terms)[0]


def _answering(
    encode: Callable[[Topic], tuple[str, Query]],
    search: Search[Query],
    cut: Callable[[tuple[str, Query]], tuple[str, Query]],
) -> Callable[[Topic], Timing]:
    """What answers a topic, with a search of its own: one query, one thread."""
    alone = Search(search.searcher, search.depth, batch_size=1, threads=1)
    return timed(lambda topic: cut(encode(topic)), lambda query: alone.lists([query]))
