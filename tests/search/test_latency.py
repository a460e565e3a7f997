from __future__ import annotations

import statistics
import threading
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.search import latency
from hyper_ir.search.latency import (
    Pass,
    Timing,
    evenly_drawn,
    interleaved,
    one_at_a_time,
    percentile,
    repeated,
    settled,
    summary,
    timed,
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still unless the test moves it on."""
    now = [0.0]
    monkeypatch.setattr(latency, "perf_counter", lambda: now[0])
    return now


def test_encoding_and_searching_are_told_apart(clock: list[float]) -> None:
    def encode(topic: str) -> int:
        clock[0] += 3
        return len(topic)

    def search(query: int) -> None:
        clock[0] += query

    answer = timed(encode, search)
    assert answer("ab") == Timing(3, 2)
    taken = one_at_a_time(["a", "abc"], answer)
    assert taken == Pass([Timing(3, 1), Timing(3, 3)], 10)
    found = summary([taken])
    assert (found.queries, found.passes) == (2, 1)
    assert found.queries_per_second == found.slowest == found.fastest == 0.2
    assert found.encode_share == 0.6
    assert (found.p50, found.encode_p95) == (5000, 3000)
    assert found.p95 == pytest.approx(5900)


def test_every_figure_is_the_median_over_passes() -> None:
    passes = [Pass([Timing(1, total)], 1 + total) for total in (1, 3, 100)]
    found = summary(passes)
    assert found.p50 == found.p95 == 4000
    assert found.queries_per_second == 0.25
    assert (found.slowest, found.fastest) == (1 / 101, 1 / 2)
    for nothing in ([], [Pass([], 0)]):
        with pytest.raises(ValueError, match="nothing to measure"):
            summary(nothing)


def test_settled_figures_are_of_each_querys_median() -> None:
    disturbed = [
        Pass([Timing(1, 1), Timing(1, 3), Timing(1, 90)], 97),  # another query each time
        Pass([Timing(1, 70), Timing(1, 3), Timing(1, 5)], 81),
        Pass([Timing(8, 1), Timing(1, 80), Timing(1, 5)], 96),
    ]
    found = settled(disturbed)
    assert (found.queries, found.passes) == (3, 3)
    assert found.p50 == 4000
    assert found.p95 == pytest.approx(5800)
    assert found.queries_per_second == 3 / (2 + 4 + 6)
    assert found.encode_share == 3 / 12
    assert (found.slowest, found.fastest) == (3 / 97, 3 / 81)
    assert settled(disturbed[:1]) == summary(disturbed[:1])
    with pytest.raises(ValueError, match="nothing to measure"):
        settled([])


def test_each_thread_has_one_query_at_a_time() -> None:
    met = threading.Barrier(3, timeout=30)  # breaks unless three are answered at once
    active: set[int] = set()

    def answer(topic: int) -> Timing:
        me = threading.get_ident()
        assert me not in active
        active.add(me)
        met.wait()
        active.remove(me)
        return Timing(0, topic)

    taken = one_at_a_time(range(6), answer, threads=3)
    assert [timing.search for timing in taken.timings] == [0, 1, 2, 3, 4, 5]
    with pytest.raises(ValueError, match="at least 1 is needed, not 0"):
        one_at_a_time([1], answer, threads=0)


def test_encoders_share_the_cores_and_get_them_back() -> None:
    import torch

    before = torch.get_num_threads()
    with latency.cores_shared_by(1_000):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_a_steady_drift_costs_all_cells_the_same(clock: list[float]) -> None:
    asked: list[str] = []

    def cell(name: str) -> Pass:
        asked.append(name)
        seconds = 10.0 + len(asked)  # every pass is slower than the one before it
        return Pass([Timing(0, seconds)], seconds)

    names = "abcde"
    taken = interleaved({name: partial(cell, name) for name in names}, passes=4)
    assert sorted(asked[:5]) == sorted(asked[5:10]) == list(names)
    assert asked[5:10] == asked[10:15][::-1]
    assert asked[15:20] == asked[20:][::-1]
    assert asked[5:10] != asked[15:20]
    means = {statistics.fmean(each.seconds for each in passes) for passes in taken.values()}
    assert len(means) == 1
    assert all(len(passes) == 4 for passes in taken.values())
    again = interleaved({name: partial(cell, name) for name in names}, passes=4)
    assert list(again) == list(taken)
    assert asked[25:] == asked[:25]  # the order is drawn by the seed alone
    with pytest.raises(ValueError, match="at least 1 is needed"):
        interleaved({}, passes=0)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=30), st.integers(0, 100))
def test_percentiles_against_a_naive_one(seconds: list[float], percent: int) -> None:
    ordered = sorted(seconds)
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    expected = ordered[low] + (ordered[high] - ordered[low]) * (place - low)
    assert percentile(seconds, percent) == pytest.approx(1000 * expected)
    assert percentile([], 50) == 0


@given(st.integers(1, 60), st.integers(1, 60))
def test_samples_are_even_and_in_order(topics: int, size: int) -> None:
    drawn = evenly_drawn(range(topics), size)
    assert len(drawn) == min(topics, size)
    assert drawn == sorted(set(drawn))
    gaps = {b - a for a, b in pairwise(drawn)}
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_few_topics_are_gone_through_again() -> None:
    assert repeated(["a", "b", "c"], 7) == ["a", "b", "c"] * 3
    assert repeated(["a", "b"], 1) == ["a", "b"]
    assert repeated([], 5) == []
    with pytest.raises(ValueError, match="at least 1 topic"):
        evenly_drawn([1], 0)
