"""Sweeps of a grid of trained models: out of the tables that ``hyper_ir.reproduce`` writes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hyper_ir.analysis.sweeps import Panel, Sweeps, SweepValue
from hyper_ir.evaluation.inputs import AVERAGE
from hyper_ir.files import require_directory
from hyper_ir.models.checkpoint import read_object

SETTINGS = {"prompts": "prompts.prompts", "cpr": "objective.cpr", "length": "prompts.length"}
"""The setting that each of the grid's sweeps varies."""

_TABLES = Path("tables", "tables.json")


def read_grid(folder: Path) -> Sweeps:
    """The sweeps of a grid's folder that have a score: the averages over tasks or collections.

    Rows that are not complete yet are left out. Raises ValueError where there are no tables, or
    none of a sweep with a score in it.
    """
    path = require_directory(folder, "grid") / _TABLES
    if not path.is_file():
        raise ValueError(f"grid: {path} does not exist; python -m hyper_ir.reproduce writes it")
    sweeps: Sweeps = {}
    try:
        for name, table in read_object(path)["tables"].items():
            part, _, on = name.partition("-")
            if part in SETTINGS:
                panel = Panel(SETTINGS[part], on, str(table["measure"]))
                for system, value in _values(table):
                    sweeps.setdefault(panel, {}).setdefault(system, []).append(value)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path}: not a grid's tables: {error}") from error
    if not sweeps:
        raise ValueError(
            f"{path}: no score of a sweep in it; those of {', '.join(SETTINGS)} are drawn"
        )
    for systems in sweeps.values():
        for line in systems.values():
            line.sort(key=lambda each: each.value)
    return sweeps


def _values(table: dict[str, Any]) -> Iterator[tuple[str, SweepValue]]:
    tests = table["tests"]
    column = AVERAGE if len(tests) > 1 else tests[0]
    for row in table["rows"]:
        figure = row["figures"].get(column)
        if figure is None:
            continue
        system = row["cells"][tests[0]][0].partition("/")[0]
        # "N = 5"
        value = float(row["system"].rpartition("=")[2])
        mean, deviation = float(figure["mean"]), figure["deviation"]
        deviation = None if deviation is None else float(deviation)
        if not math.isfinite(value + mean + (deviation or 0.0)):
            raise ValueError(f"{row['system']}: its figures are no numbers")
        yield system, SweepValue(value, mean, deviation, int(figure["seeds"]))
