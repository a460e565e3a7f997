from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.reproduction.findings import findings, in_words
from hyper_ir.reproduction.tables import Layout, Row, filled
from tests.reproduction.small_grid import dense_side, write_grid
from tests.reproduction.test_tables import M, results_of

GROUP = "multi-task"


def test_how_often_and_by_how_much_hyper_is_above(tmp_path: Path) -> None:
    high = {f"q{i}": 0.6 + i % 3 / 100 for i in range(12)}
    low = {topic: value - 0.2 - i % 2 / 50 for i, (topic, value) in enumerate(high.items())}
    cells = {"H": {"a": high, "b": low}, "B": {"a": low, "b": high}, "M": {"a": low, "b": low}}
    results = results_of(tmp_path / "cells", cells)
    rows = [Row("SPLADE-HypeR", {"a": ["H"], "b": ["H"]}, GROUP)]
    for title, name in (("BM25", "B"), ("SPLADE-MT", "M")):
        rows.append(Row(title, {"a": [name], "b": [name]}, GROUP, ("SPLADE-HypeR",)))
    table = filled(Layout("table1", "T", ["a", "b"], M, rows, "setting"), results)
    grid = write_grid(tmp_path)
    found = findings(grid, {"table1": table}, results, list(cells), {"bm25": 3.0})
    over = found["HypeR over BM25"]
    assert (over["above"], over["of"], over["on"]) == (1, 2, ["a"])
    assert over["average_difference"] == pytest.approx(0)
    assert found["HypeR over MT"]["average_difference"] == pytest.approx(0.105)
    assert found["HypeR over MT"]["t_p_holm"] < 0.05
    assert "HypeR over prefix" not in found
    assert found["seconds_of_preparation"] == {"bm25": 3.0}
    assert "DPR-HypeR over BM25" not in found
    lines = in_words(found)
    assert lines[0].startswith("HypeR over BM25: above on 1 of 2, average +0.0000")


def test_each_side_is_held_against_its_own(tmp_path: Path) -> None:
    values = {name: {"a": {"q": score}} for name, score in (("H", 0.5), ("M", 0.4), ("B", 0.45))}
    results = results_of(tmp_path / "cells", values)
    titles = {"DPR-HypeR": "H", "DPR-MT": "M", "BM25": "B"}
    rows = [Row(title, {"a": [name]}, GROUP) for title, name in titles.items()]
    table = filled(Layout("table1", "T", ["a"], M, rows, "setting"), results)
    grid = replace(write_grid(tmp_path), dpr=dense_side(tmp_path))
    found = findings(grid, {"table1": table}, results, list(values), {})
    assert "HypeR over MT" not in found
    assert found["DPR-HypeR over MT"] == {"above": 1, "of": 1, "on": ["a"]}
    assert found["DPR-HypeR over BM25"] == {"above": 1, "of": 1, "on": ["a"]}
