"""Paired tests and Holm's correction against forms written out."""

from __future__ import annotations

import random

import pytest
from scipy import stats

from hyper_ir.evaluation.inputs import AVERAGE
from hyper_ir.reproduction.comparing import compared, stratified

SIZES = {"a": 40, "b": 9, "c": 120}


def values(seed: int, shift: float = 0.0) -> dict[str, dict[str, float]]:
    drawn = random.Random(seed)
    return {
        test: {f"q{i}": drawn.random() + shift for i in range(size)} for test, size in SIZES.items()
    }


def naive_holm(p: dict[str, float]) -> dict[str, float]:
    order = sorted(p, key=lambda name: p[name])
    found: dict[str, float] = {}
    for place, name in enumerate(order):
        found[name] = min(1.0, max((len(p) - i) * p[order[i]] for i in range(place + 1)))
    return found


def test_columns_and_averages_are_corrected_each_among_themselves() -> None:
    rows = {"H": values(1, 0.05), "x": values(2), "y": values(3), "z": values(4)}
    found = compared(rows, {"x": "H", "y": "H", "z": "H"}, list(SIZES))
    assert len(found) == 3 * 4
    raw: dict[str, float] = {}
    for row in "xyz":
        for test in SIZES:
            mine = [rows[row][test][topic] for topic in rows[row][test]]
            hyper = [rows["H"][test][topic] for topic in rows[row][test]]
            raw[f"{row} {test}"] = float(stats.ttest_rel(hyper, mine).pvalue)
    wanted = naive_holm(raw)
    averages = [each for each in found if each.column == AVERAGE]
    columns = [each for each in found if each.column != AVERAGE]
    for each in columns:
        name = f"{each.row} {each.column}"
        assert each.test.t_p == pytest.approx(raw[name])
        assert each.t_p_holm == pytest.approx(wanted[name])
    corrected = naive_holm({each.row: each.test.t_p for each in averages})
    assert {each.row: each.t_p_holm for each in averages} == pytest.approx(corrected)


def test_the_average_s_difference_is_the_mean_of_the_columns() -> None:
    rows = {"H": values(5, 0.1), "x": values(6)}
    average = next(
        each for each in compared(rows, {"x": "H"}, list(SIZES)) if each.column == AVERAGE
    )
    by_test = [
        sum(rows["H"][test][t] - rows["x"][test][t] for t in rows["x"][test]) / size
        for test, size in SIZES.items()
    ]
    assert average.test.difference == pytest.approx(sum(by_test) / 3)
    assert average.test.topics == sum(SIZES.values())


def test_stratified_means_weigh_tests_alike() -> None:
    given = values(7)
    weighted = stratified(given)
    means = [sum(each.values()) / len(each) for each in given.values()]
    assert sum(weighted.values()) / len(weighted) == pytest.approx(sum(means) / len(means))


def test_rows_that_lack_something_are_compared_where_both_are() -> None:
    rows = {"H": values(8), "x": {"a": values(9)["a"]}, "y": {}}
    found = compared(rows, {"x": "H", "y": "H", "z": "H"}, list(SIZES))
    assert [(each.row, each.column) for each in found] == [("x", "a")]
    other = {"H": {"a": {"q1": 1.0}}, "x": {"a": {"q2": 1.0}}}
    assert compared(other, {"x": "H"}, ["a"]) == []
