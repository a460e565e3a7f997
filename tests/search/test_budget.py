from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.search.budget import greatest, terms_within
from hyper_ir.search.latency import Latency


def latency(p95: float, encode: float = 0.0) -> Latency:
    return Latency(100, 3, p95, p95, encode, 1, 1, 1, 0)


@given(st.integers(2, 500), st.data())
def test_the_greatest_that_fits(most: int, data: st.DataObject) -> None:
    limit = data.draw(st.integers(1, most - 1))
    asked: list[int] = []

    def fits(number: int) -> bool:
        asked.append(number)
        return number <= limit

    assert greatest(most, fits) == limit
    assert len(asked) <= most.bit_length()


@given(st.floats(10.1, 60), st.integers(1, 400))
def test_the_most_terms_within_a_budget(budget: float, most: int) -> None:
    def p95(terms: int) -> float:
        return 10 + 0.1 * terms

    found = terms_within(budget, most, lambda terms: latency(p95(terms)))
    naive = max(terms for terms in range(1, most + 1) if p95(terms) <= budget)
    assert found.terms == (None if naive == most else naive)
    assert found.latency.p95 <= budget
    assert found.whole.p95 == p95(most)
    assert found.probes[-1][0] == naive


def test_noise_that_flattered_is_found_out() -> None:
    generator = random.Random(3)

    def measure(terms: int) -> Latency:
        return latency((10 + terms) * generator.uniform(0.7, 1.3))

    for _ in range(50):
        found = terms_within(40, 100, measure)
        assert found.latency.p95 <= 40


def test_a_budget_that_cannot_be_kept_is_refused_at_once() -> None:
    asked: list[int] = []

    def measure(terms: int) -> Latency:
        asked.append(terms)
        return latency(12.0, encode=11.5)

    with pytest.raises(ValueError, match=r"5 ms cannot be kept.* 12\.0 ms \(p95\), 11\.5 ms of it"):
        terms_within(5, 80, measure)
    assert asked == [1]
    for budget in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not a positive number"):
            terms_within(budget, 80, measure)


def test_in_words() -> None:
    whole = terms_within(99, 7, lambda terms: latency(terms))
    assert whole.line() == "whole queries stay within 99 ms (p95 7.0 ms): nothing was pruned"
    cut = terms_within(5, 7, lambda terms: latency(terms))
    assert cut.line() == "5 query terms at most stay within 5 ms (p95 5.0 ms; whole queries 7.0 ms)"
    assert cut.as_json()["terms"] == 5
