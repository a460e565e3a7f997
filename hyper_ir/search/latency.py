"""How long a query takes: one at a time, pass after pass, all that is compared in turn.

A machine drifts (its clock, its other users), so what is compared is measured in turn: each pass
goes through all of it in a shuffled order, the next pass in the reverse of that.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle, islice
from time import perf_counter
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from hyper_ir.search.spreading import spread

PASSES = 3
"""Measured passes over the queries; one more, before them, warms up and is thrown away."""

QUERIES = 100
"""Queries in a pass, at least: below that the 95th percentile is that of a handful."""

Topic = TypeVar("Topic")
Query = TypeVar("Query")
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds that one query took, to be encoded and to be searched."""

    encode: float
    search: float

    @property
    def total(self) -> float:
        """From text to hits."""
        return self.encode + self.search


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over the queries: how long each took, and the seconds from first to last."""

    timings: list[Timing]
    seconds: float


@dataclass(frozen=True, slots=True)
class Latency:
    """What several passes say; each figure is the median over them.

    Attributes
    ----------
    queries: in a pass.
    passes: how many.
    p50, p95: milliseconds of a query, from text to hits.
    encode_p95: milliseconds, of encoding alone.
    queries_per_second: with as many at a time as there were threads.
    slowest, fastest: queries a second of the slowest and the fastest pass.
    encode_share: of the time that queries took, what encoding took, from 0 to 1.
    """

    queries: int
    passes: int
    p50: float
    p95: float
    encode_p95: float
    queries_per_second: float
    slowest: float
    fastest: float
    encode_share: float


def timed(
    encode: Callable[[Topic], Query], search: Callable[[Query], object]
) -> Callable[[Topic], Timing]:
    """A function that encodes and searches one topic and tells how long each took."""

    def answer(topic: Topic) -> Timing:
        start = perf_counter()
        query = encode(topic)
        between = perf_counter()
        search(query)
        return Timing(between - start, perf_counter() - between)

    return answer


def one_at_a_time(
    topics: Sequence[Topic], answer: Callable[[Topic], Timing], threads: int = 1
) -> Pass:
    """Answer the topics: each of the threads takes the next one as soon as it is free."""
    if threads < 1:
        raise ValueError(f"threads: at least 1 is needed, not {threads}")
    if threads == 1:
        start = perf_counter()
        timings = [answer(topic) for topic in topics]
        return Pass(timings, perf_counter() - start)
    with cores_shared_by(threads):
        start = perf_counter()
        timings = spread(answer, topics, threads)
        return Pass(timings, perf_counter() - start)


def interleaved(
    cells: Mapping[Key, Callable[[], Pass]],
    passes: int = PASSES,
    seed: int = 0,
    progress: bool = False,
) -> dict[Key, list[Pass]]:
    """Measure every cell so many times, all in turn, after a pass that is thrown away.

    The order is shuffled anew for every other pass and reversed for the one after it, so that a
    steady drift costs all cells the same. Raises ValueError for fewer than 1 pass.
    """
    if passes < 1:
        raise ValueError(f"passes: at least 1 is needed, not {passes}")
    generator = random.Random(seed)
    order = list(cells)
    taken: dict[Key, list[Pass]] = {key: [] for key in cells}
    total = (passes + 1) * len(order)
    with tqdm(total=total, desc="measure", unit=" passes", disable=not progress) as bar:
        for number in range(passes + 1):
            if number % 2:
                generator.shuffle(order)
            else:
                order.reverse()
            for key in order:
                measured = cells[key]()
                if number:
                    taken[key].append(measured)
                bar.update()
    return taken


def summary(passes: Sequence[Pass]) -> Latency:
    """The median over passes of each figure; raises ValueError where nothing was measured."""
    if not passes or not all(each.timings for each in passes):
        raise ValueError("latency: there is nothing to measure")
    rates = [len(each.timings) / max(each.seconds, 1e-9) for each in passes]
    shares = [
        sum(timing.encode for timing in each.timings)
        / max(sum(timing.total for timing in each.timings), 1e-12)
        for each in passes
    ]
    totals = [[timing.total for timing in each.timings] for each in passes]
    encodes = [[timing.encode for timing in each.timings] for each in passes]
    return Latency(
        queries=len(passes[0].timings),
        passes=len(passes),
        p50=statistics.median(percentile(each, 50) for each in totals),
        p95=statistics.median(percentile(each, 95) for each in totals),
        encode_p95=statistics.median(percentile(each, 95) for each in encodes),
        queries_per_second=statistics.median(rates),
        slowest=min(rates),
        fastest=max(rates),
        encode_share=statistics.median(shares),
    )


def settled(passes: Sequence[Pass]) -> Latency:
    """The figures of each query's median over the passes, as if all were answered in one.

    For comparing: what the machine's other users did to single queries is left out, which the
    percentiles of :func:`summary` hold. Every pass must be of the same queries in the same order,
    one at a time. Raises ValueError where nothing was measured.
    """
    found = summary(passes)
    each = zip(*(one.timings for one in passes), strict=True)
    timings = [
        Timing(
            statistics.median(timing.encode for timing in query),
            statistics.median(timing.search for timing in query),
        )
        for query in each
    ]
    whole = summary([Pass(timings, sum(timing.total for timing in timings))])
    return replace(whole, passes=len(passes), slowest=found.slowest, fastest=found.fastest)


def percentile(seconds: Sequence[float], percent: float) -> float:
    """A percentile in milliseconds, between two values in proportion; 0 where there is none."""
    return 1000 * float(np.percentile(seconds, percent)) if seconds else 0.0


def evenly_drawn(topics: Sequence[Topic], size: int) -> list[Topic]:
    """At most ``size`` of the topics, at even distances, in their order: always the same ones."""
    if size < 1:
        raise ValueError(f"sample: at least 1 topic is needed, not {size}")
    if len(topics) <= size:
        return list(topics)
    return [topics[place * len(topics) // size] for place in range(size)]


def repeated(topics: Sequence[Topic], least: int = QUERIES) -> list[Topic]:
    """The topics over and over, whole rounds of them, until there are at least so many."""
    rounds = -(-least // len(topics)) if topics else 0
    return list(islice(cycle(topics), max(1, rounds) * len(topics)))


@contextmanager
def cores_shared_by(threads: int) -> Iterator[None]:
    """Let each of so many threads encode with its share of the cores, while the block runs.

    torch gives every caller all cores otherwise, and callers then wait for each other.
    """
    torch = sys.modules.get("torch")
    if torch is None:  # nothing was encoded by a model
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, os.cpu_count() or 1) // threads))
    try:
        yield
    finally:
        torch.set_num_threads(before)
