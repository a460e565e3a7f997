from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.analysis.grid_sweeps import read_grid
from hyper_ir.analysis.sweeps import Panel
from hyper_ir.evaluation.inputs import AVERAGE

TASKS = ["nq", "wow"]


def row(symbol: str, value: float, mean: float | None) -> dict[str, Any]:
    name = f"splade-HypeR/{symbol}={value}@42"
    figures = {"nq": {"mean": 0.1, "deviation": None, "seeds": 1}}
    if mean is not None:
        figures[AVERAGE] = {"mean": mean, "deviation": 0.01, "seeds": 2}
    return {
        "group": "",
        "system": f"{symbol} = {value}",
        "cells": {task: [name] for task in TASKS},
        "figures": figures,
    }


def grid(folder: Path, tables: object) -> Path:
    (folder / "tables").mkdir(parents=True)
    (folder / "tables" / "tables.json").write_text(json.dumps({"tables": tables}), "utf-8")
    return folder


def table(*rows: dict[str, Any], tests: list[str] | None = None) -> dict[str, Any]:
    return {"measure": "KILTRprec", "tests": tests or TASKS, "rows": list(rows)}


def test_sweeps_are_the_averages_of_complete_rows(tmp_path: Path) -> None:
    tables = {
        "table1": table(row("N", 1, 0.9)),
        "initialisation-tasks": {"measure": "x", "tests": TASKS, "rows": "anything"},
        "prompts-tasks": table(row("N", 20, 0.5), row("N", 5, 0.4), row("N", 2, None)),
        "cpr-zero-shot": table(row("cpr", 0.05, 0.3), tests=["nq"]),
    }
    found = read_grid(grid(tmp_path / "g", tables))
    assert list(found) == [
        Panel("prompts.prompts", "tasks", "KILTRprec"),
        Panel("objective.cpr", "zero-shot", "KILTRprec"),
    ]
    line = found[Panel("prompts.prompts", "tasks", "KILTRprec")]["splade-HypeR"]
    assert [(each.value, each.mean, each.deviation, each.seeds) for each in line] == [
        (5, 0.4, 0.01, 2),
        (20, 0.5, 0.01, 2),
    ]
    (alone,) = found[Panel("objective.cpr", "zero-shot", "KILTRprec")]["splade-HypeR"]
    assert (alone.value, alone.mean) == (0.05, 0.1)


def test_what_is_no_grid_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"grid: .* does not exist"):
        read_grid(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"tables\.json does not exist; python -m hyper_ir.repro"):
        read_grid(tmp_path / "empty")
    with pytest.raises(ValueError, match="no score of a sweep"):
        read_grid(grid(tmp_path / "a", {"table1": table(row("N", 1, 0.9))}))
    broken = [{"prompts-tasks": {}}, 3, {"prompts-tasks": table(row("N", "many", 0.1))}]  # type: ignore[arg-type]
    for number, tables in enumerate(broken):
        with pytest.raises(ValueError, match="not a grid's tables"):
            read_grid(grid(tmp_path / f"b{number}", tables))
