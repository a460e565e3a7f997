from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from hyper_ir.advising.advice import Advice, make_advice
from hyper_ir.advising.tables import lines, table
from hyper_ir.search.latency import Latency
from tests.advising.collection import made_up

GOOD = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
SAME = [0.6, 0.5, 0.8, 0.7, 1.0, 0.9]
WORSE = [value - 0.2 - 0.01 * place for place, value in enumerate(GOOD)]


def advice(*figures: tuple[float, int, Sequence[float]], tolerance: float | None = None) -> Advice:
    _, sizes, latencies, found = made_up(figures)
    return make_advice(sizes, latencies, found, tolerance)


def names(made: Advice) -> tuple[str, str, str]:
    return tuple(
        cell.setting.index.name for cell in (made.smallest, made.fastest, made.recommended)
    )  # type: ignore[return-value]


def test_what_is_worse_is_not_recommended_however_fast_and_small() -> None:
    made = advice((100, 1000, GOOD), (900, 10, WORSE), (150, 900, SAME), (120, 500, GOOD))
    assert [cell.acceptable for cell in made.cells] == [True, False, True, True]
    assert [cell.pareto for cell in made.cells] == [False, True, True, True]
    assert names(made) == ("f100-k3", "f100-k2", "f100-k3")
    assert made.rule() == (
        "RR at most 1% lower than unpruned, and not significantly lower (paired t-test, p < 0.05)"
    )


def test_a_loss_that_few_topics_leave_open_is_no_equality() -> None:
    uneven = [value - 0.3 * (place < 2) for place, value in enumerate(GOOD)]  # -0.1, p 0.17
    made = advice((100, 1000, GOOD), (900, 10, uneven))
    assert made.cells[1].comparisons["RR"].test.t_p > 0.05
    assert names(made) == ("f100-kall",) * 3
    little = [value - 0.007 * (place % 2) * 2 for place, value in enumerate(GOOD)]
    assert names(advice((100, 1000, GOOD), (900, 10, little))) == ("f100-k1",) * 3  # -0.007, 0.9 %
    evenly = [value - 0.005 for value in GOOD]  # within 1 %, but found by the test
    assert names(advice((100, 1000, GOOD), (900, 10, evenly))) == ("f100-kall",) * 3


def test_what_the_topics_cannot_exclude_is_told() -> None:
    made = advice((100, 1000, GOOD), (150, 900, SAME))
    said = lines(made)
    assert said[-2].endswith("RR 0.7500 (+0.0000, 95 % CI [-0.1150, +0.1150])")
    assert said[-1] == (
        "warning: 6 topics cannot exclude a loss of up to 0.1150, 15% of unpruned (smallest, "
        "fastest, recommended); more topics can, or --tolerance says how much may be lost"
    )
    assert lines(advice((100, 1000, GOOD), (150, 900, SAME), tolerance=0.1))[-1].endswith(
        "topics can"
    )
    assert "warning" not in lines(advice((100, 1000, GOOD), (150, 900, SAME), tolerance=0.12))[-1]
    assert "warning" not in lines(advice((100, 1000, GOOD), (150, 900, GOOD)))[-1]
    assert (
        "warning: 1 topic cannot exclude any loss ("
        in lines(advice((100, 1000, GOOD[:1]), (150, 900, GOOD[:1])))[-1]
    )


def test_speed_with_encoding_is_told_of_both() -> None:
    _, sizes, latencies, found = made_up([(100, 1000, GOOD), (300, 900, GOOD)])
    encoding = Latency(100, 3, 5, 9, 9, 150, 150, 150, 1)
    assert lines(make_advice(sizes, latencies, found, None, encoding))[0].endswith(
        "with it the recommended setting answers 100.0 queries/s, the unpruned one 60.0"
    )


def test_a_tolerance_takes_the_place_of_the_test() -> None:
    figures = ((100.0, 1000, GOOD), (900.0, 10, WORSE))
    assert names(advice(*figures, tolerance=0.3)) == ("f100-k1",) * 3
    strict = advice(*figures, tolerance=0.2)
    assert names(strict) == ("f100-kall",) * 3
    assert strict.rule() == "RR at most 0.2 lower than unpruned"
    assert "the unpruned setting; no other is acceptable and better" in lines(strict)[-1]


def test_the_unpruned_setting_alone() -> None:
    made = advice((100, 1000, GOOD))
    assert made.recommended is made.unpruned
    assert made.cells[0].comparisons == {}
    assert made.cells[0].pareto


def test_of_equals_the_better_in_the_other_respect() -> None:
    made = advice((100, 500, GOOD), (200, 500, GOOD), (200, 400, GOOD), (100, 400, GOOD))
    assert names(made) == ("f100-k2",) * 3


def test_a_busy_machine_is_told() -> None:
    _, sizes, latencies, found = made_up([(100, 1000, GOOD), (120, 900, SAME)])
    assert "busy" not in "\n".join(lines(make_advice(sizes, latencies, found)))
    uneven = {
        setting: replace(each, slowest=each.fastest / 2) for setting, each in latencies.items()
    }
    made = make_advice(sizes, uneven, found)
    assert made.unrest() == 2
    assert "passes over the same queries differ by a factor of 2.0" in lines(made)[0]


def test_the_table_and_the_figures() -> None:
    made = advice((100, 1_500_000, GOOD), (900, 10_000, WORSE), (120, 500_000, SAME))
    whole = table(made)
    assert whole.header == [
        *("factor", "top-k", "query terms", "MB", "bytes/doc", "postings", "queries/s"),
        *("p50 ms", "p95 ms", "RR", "overlap@10", "overlap@100", "Pareto"),
    ]
    texts = [[cell.text for cell in row] for row in whole.rows]
    assert texts[0] == [
        *("100", "all", "all", "1.50", "150,000", "100", "100", "10.00", "15.00", "0.7500"),
        *("0.900", "0.950", ""),
    ]
    assert [row[9].marked for row in whole.rows] == [False, True, False]
    assert [row[9].best for row in whole.rows] == [True, False, True]
    assert [row[-1].text for row in whole.rows] == ["", "●", "●"]
    assert "3 settings (6 topics)" in whole.title
    value = [json.loads(json.dumps(cell.as_json(), allow_nan=False)) for cell in made.cells]
    assert value[1]["differences"]["RR"]["difference"] == pytest.approx(-0.225)
    assert value[2]["size"] == {
        "documents": 10,
        "postings": 100,
        "bytes": 500_000,
        "bytes_per_document": 50_000,
    }
    said = [line for line in lines(made) if line.startswith("recommended")]
    assert said == [
        "recommended: factor 100, 2 terms of a document, all terms of a query: 0.50 MB (33%), 120 "
        "queries/s (1.20 x), RR 0.7500 (+0.0000, 95 % CI [-0.1150, +0.1150])"
    ]
