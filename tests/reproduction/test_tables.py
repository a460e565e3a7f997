"""Tables against figures computed by hand from made-up cells."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev

import pytest

from hyper_ir.evaluation.inputs import AVERAGE
from hyper_ir.evaluation.rendering import markdown, print_tables
from hyper_ir.files import write_json
from hyper_ir.reproduction.identity import key_of
from hyper_ir.reproduction.layouts import Layouts
from hyper_ir.reproduction.reproduction import Reproduction
from hyper_ir.reproduction.results import Results
from hyper_ir.reproduction.store import CellFolder
from hyper_ir.reproduction.tables import Layout, Row, as_json, drawn, filled, without_hits
from tests.reproduction.small_grid import dense_side, write_grid

M = "nDCG@10"


def results_of(root: Path, cells: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Results:
    """Cells with these values, by name, test and topic."""
    keys = {}
    for name, tests in cells.items():
        identity = {"name": name}
        keys[name] = key_of(identity)
        folder = CellFolder(root, keys[name])
        folder.open(identity, name)
        for test, values in tests.items():
            path = folder.path / "scores" / f"{test}.json"
            write_json(path, {"values": {M: values}})
            folder.finish([path])
    return Results(root, keys)


SEEDS = {
    "H@1": {"a": {"q1": 1.0, "q2": 0.5, "q3": 0.9}, "b": {"q1": 0.5, "q2": 0.25}},
    "H@2": {"a": {"q1": 0.8, "q2": 0.7, "q3": 0.9}, "b": {"q1": 0.0, "q2": 0.25}},
    "x": {"a": {"q1": 0.1, "q2": 0.0, "q3": 0.2}, "b": {"q1": 0.5, "q2": 0.5}},
}
ROWS = [
    Row("H", {"a": ["H@1", "H@2"], "b": ["H@1", "H@2"]}),
    Row("x", {"a": ["x"], "b": ["x"]}, references=("H",)),
]


def test_figures_are_means_over_seeds_with_their_deviation(tmp_path: Path) -> None:
    results = results_of(tmp_path, SEEDS)
    table = filled(Layout("t", "T", ["a", "b"], M, ROWS), results)
    means = {
        seed: {test: fmean(values.values()) for test, values in SEEDS[f"H@{seed}"].items()}
        for seed in (1, 2)
    }
    for test in ("a", "b"):
        figure = table.figures["H"][test]
        assert figure.mean == pytest.approx(fmean([means[1][test], means[2][test]]))
        assert figure.deviation == pytest.approx(stdev([means[1][test], means[2][test]]))
    average = table.figures["H"][AVERAGE]
    of_seeds = [fmean(means[seed].values()) for seed in (1, 2)]
    assert average.mean == pytest.approx(fmean(of_seeds))
    assert average.deviation == pytest.approx(stdev(of_seeds))
    assert table.figures["x"]["a"].deviation is None
    assert {(each.row, each.column) for each in table.comparisons} == {
        ("x", "a"),
        ("x", "b"),
        ("x", AVERAGE),
    }
    # Seeds are averaged query by query before the test.
    difference = next(each for each in table.comparisons if each.column == "a").test.difference
    assert difference == pytest.approx(fmean([0.9 - 0.1, 0.6 - 0.0, 0.9 - 0.2]))


def test_what_is_missing_is_a_dash_and_not_averaged(tmp_path: Path) -> None:
    results = results_of(tmp_path, {**SEEDS, "x": {"a": SEEDS["x"]["a"]}})
    table = filled(Layout("t", "T", ["a", "b"], M, ROWS), results)
    assert AVERAGE not in table.figures["x"]
    shown = drawn(table)
    assert [cell.text for cell in shown.rows[1]] == ["x", "0.100", "–", "–"]
    assert "– not there yet" in shown.note
    out = io.StringIO()
    print_tables([shown], out)
    assert "H" in out.getvalue()
    assert "0.800 ±0.000" in markdown([shown])


def test_a_test_of_which_no_row_finds_anything_is_named(tmp_path: Path) -> None:
    blank = {name: {**tests, "b": dict.fromkeys(tests["b"], 0.0)} for name, tests in SEEDS.items()}
    layout = Layout("t", "T", ["a", "b"], M, ROWS)
    assert without_hits([filled(layout, results_of(tmp_path / "blank", blank))]) == ["b"]
    blank["x"]["b"]["q1"] = 0.5
    assert without_hits([filled(layout, results_of(tmp_path / "one", blank))]) == []


def test_one_seed_of_two_is_shown_without_a_deviation(tmp_path: Path) -> None:
    results = results_of(tmp_path, {name: SEEDS[name] for name in ("H@1", "x")})
    table = filled(Layout("t", "T", ["a", "b"], M, ROWS), results)
    assert table.figures["H"]["a"].seeds == 1
    assert table.figures["H"]["a"].mean == pytest.approx(0.8)


def test_marks_and_bold(tmp_path: Path) -> None:
    many = {f"q{i}": 0.5 + i % 2 / 100 for i in range(20)}
    worse = {topic: value - 0.3 for topic, value in many.items()}
    near = {topic: value + (-1) ** (i // 2) * 0.1 for i, (topic, value) in enumerate(many.items())}
    results = results_of(tmp_path, {"H": {"a": many}, "x": {"a": worse}, "y": {"a": near}})
    rows = [Row("H", {"a": ["H"]}), *(Row(n, {"a": [n]}, references=("H",)) for n in "xy")]
    table = filled(Layout("t", "T", ["a"], M, rows), results)
    shown = drawn(table)
    assert shown.header == ["system", "a"]  # one column is its own average
    hyper, x, y = (row[1] for row in shown.rows)
    assert (x.marked, y.marked, hyper.marked) == (True, False, False)
    assert (hyper.best, x.best) == (True, False)
    assert as_json(table)["rows"][0]["figures"]["a"]["mean"] == pytest.approx(0.505)


def test_rows_are_compared_within_their_group(tmp_path: Path) -> None:
    values = {"a": {"q1": 0.1, "q2": 0.4}}
    results = results_of(tmp_path, dict.fromkeys(("H", "H2", "x"), values))
    rows = [
        Row("H", {"a": ["H"]}, "seen"),
        Row("H", {"a": ["H2"]}, "unseen"),
        Row("x", {"a": ["x"]}, "unseen", ("H",)),
        Row("x", {"a": ["x"]}, "elsewhere", ("H",)),
    ]
    table = filled(Layout("t", "T", ["a"], M, rows, "setting"), results)
    assert [(each.row, each.reference) for each in table.comparisons] == [("unseen x", "unseen H")]
    assert drawn(table).header == ["setting", "system", "a"]


def test_a_row_is_compared_with_the_first_reference_that_has_figures(tmp_path: Path) -> None:
    values = {"a": {"q1": 0.1, "q2": 0.4}}
    rows = [Row("x", {"a": ["x"]}, references=("H", "D")), *(Row(n, {"a": [n]}) for n in "HD")]
    for there, reference in (("xHD", "H"), ("xD", "D"), ("x", None)):
        results = results_of(tmp_path / there, dict.fromkeys(there, values))
        table = filled(Layout("t", "T", ["a"], M, rows), results)
        assert [each.reference for each in table.comparisons] == ([reference] if reference else [])


def test_layouts_name_cells_that_the_plan_has(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    parts = ["bm25", *grid.parts]
    parts += ["zero", "ablations", "cross-domain", "leave-one-out", "few-shot", "fine-tuned"]
    parts += ["prompts", "cpr", "length", "initialisation", "released"]
    grid = replace(grid, parts=parts, seeds=[1, 2], dpr=dense_side(tmp_path))
    known = {cell.name for cell in Reproduction(grid).all_cells}
    layouts = list(Layouts(grid, known).all())
    shown = {
        name
        for layout in layouts
        for row in layout.rows
        for names in row.cells.values()
        for name in names
    }
    # The released code's form stands beside the main row of the first seed.
    assert shown == known
    names = [layout.name for layout in layouts]
    assert names[:5] == ["table1", "table2", "table3", "table4", "table5"]
    fewer = list(Layouts(grid, {"BM25", "splade-FT/long@1"}).all())
    assert [row.title for row in fewer[0].rows] == ["BM25", "BM25"]
    assert {layout.name.partition("-")[0] for layout in fewer} == {"table1", "table2", "table5"}
