from __future__ import annotations

import pytest

from hyper_ir.evaluation.comparison import compare
from hyper_ir.evaluation.tables import (
    COMPARISON_HEADER,
    Cell,
    Style,
    comparison_tables,
    score_tables,
)
from tests.evaluation.results import made_up


def test_one_task_has_a_column_for_each_measure() -> None:
    (table,) = score_tables(made_up("nq"))
    assert (table.title, table.header) == ("nq (8 topics)", ["run", "P@1", "R@1"])
    assert table.rows[1] == [Cell("good"), Cell("0.8750", best=True), Cell("0.8750", best=True)]
    assert table.rows[2] == [Cell("a&b|c"), Cell("0.2500"), Cell("0.2500")]
    assert table.note == ""


def test_several_tasks_have_a_table_for_each_measure_and_an_average() -> None:
    tables = score_tables(made_up("nq", "fever"), style=Style(digits=2))
    assert [table.title for table in tables] == ["P@1", "R@1"]
    assert tables[0].header == ["run", "nq", "fever", "average"]
    assert [cell.text for cell in tables[0].rows[1]] == ["good", "0.88", "0.88", "0.88"]


def test_marks_are_those_of_the_corrected_p_of_the_test_asked_for() -> None:
    scores = made_up("nq")
    comparisons = compare(scores, "bm_25")
    by_run = {each.run: each for each in comparisons if each.measure == "P@1"}
    # Seven wins and a tie: t finds more in them than the sign flips (1/64, times 2 runs).
    assert by_run["good"].t_p_holm < 0.01 < by_run["good"].randomisation_p_holm == 1 / 32
    for style, marked in [
        (Style(), True),
        (Style(test="randomisation"), True),
        (Style(test="randomisation", alpha=0.01), False),
    ]:
        (table,) = score_tables(scores, comparisons, style)
        assert [row[1].marked for row in table.rows] == [False, marked, False]
        figures = comparison_tables(comparisons, style)[0]
        assert [row[1].marked for row in figures.rows] == [marked, False]
    assert "differs from bm_25 (paired t-test, Holm" in score_tables(scores, comparisons)[0].note


def test_average_is_not_marked() -> None:
    scores = made_up("nq", "fever")
    tables = score_tables(scores, compare(scores, "bm_25"))
    assert [cell.marked for cell in tables[0].rows[1]] == [False, True, True, False]


def test_equal_figures_are_all_best_unless_all_are() -> None:
    (table,) = score_tables(made_up("nq", measures="NumQ P@1"), style=Style(digits=0))
    assert [row[1].best for row in table.rows] == [False, False, False]
    assert [row[2].text for row in table.rows] == ["0", "1", "0"]
    (table,) = score_tables(made_up("nq", measures="R@5"), style=Style(digits=0))
    assert [row[1].best for row in table.rows] == [False, True, False]


def test_comparison_in_words() -> None:
    scores = made_up("nq")
    tables = comparison_tables(compare(scores, "bm_25"))
    titles = ["P@1: differences from bm_25", "R@1: differences from bm_25"]
    assert [table.title for table in tables] == titles
    assert tables[0].header == list(COMPARISON_HEADER)
    assert [cell.text for cell in tables[0].rows[0]] == [
        "good",
        "+0.8750",
        "[+0.5794, +1.1706]",
        "+2.47",
        "0.0004",
        "0.0312",
        "7/1/0",
    ]
    assert "the p are the corrected ones" in tables[0].note


def test_comparison_names_the_task_where_there_are_several() -> None:
    (table,) = comparison_tables(compare(made_up("nq", "fever", measures="P@1"), "bm_25"))
    assert table.header == ["task", *COMPARISON_HEADER]
    assert [[cell.text for cell in row[:2]] for row in table.rows] == [
        ["nq", "good"],
        ["nq", "a&b|c"],
        ["fever", "good"],
        ["fever", "a&b|c"],
    ]
    assert table.words == 2


def test_unlike_zero_small_p_is_shown_as_small() -> None:
    (table,) = comparison_tables(compare(made_up("nq", measures="P@1"), "bm_25"), Style(digits=3))
    assert table.rows[0][4].text == "<0.001"


def test_one_topic_has_no_interval() -> None:
    scores = made_up("nq", measures="P@1")
    for run in scores.by_task["nq"].values():
        run.values["P@1"] = {"q0": run.values["P@1"]["q0"]}
    (table,) = comparison_tables(compare(scores, "bm_25"))
    assert [cell.text for cell in table.rows[0][2:4]] == ["–", "–"]


def test_no_comparison_is_no_table() -> None:
    assert comparison_tables([]) == []


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"digits": -1}, "digits: -1"),
        ({"alpha": 0.0}, "alpha: 0"),
        ({"alpha": 5.0}, "alpha: 5"),
        ({"test": "wilcoxon"}, "test: 'wilcoxon' is none of t, randomisation"),
    ],
)
def test_bad_styles_are_refused(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Style(**settings)  # type: ignore[arg-type]
