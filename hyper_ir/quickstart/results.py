"""The quickstart's table and its results for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hyper_ir.data.python_docs.writing import DESCRIPTION
from hyper_ir.evaluation.tables import Cell, Style, Table, mark_note
from hyper_ir.files import write_json
from hyper_ir.quickstart.plan import Plan
from hyper_ir.quickstart.settings import Settings
from hyper_ir.quickstart.steps import Done

AVERAGE = "average"

MEASURE_NAMES = {
    "KILTRprec": "page R-precision (KILT)",
    "nDCG@10": "nDCG@10",
}


def read_scores(settings: Settings) -> dict[str, Any]:
    """What ``hyper_ir.evaluate --json`` wrote."""
    value: dict[str, Any] = json.loads((settings.output / "scores.json").read_text("utf-8"))
    return value


def tables(plan: Plan, scores: dict[str, Any]) -> list[Table]:
    """A table for each measure: a row for each kind of topic, a column for each system."""
    style = Style(digits=3)
    marked = {
        (each["task"], each["run"], each["measure"])
        for each in scores["comparisons"]
        if each["t_p_holm"] < style.alpha
    }
    found: list[Table] = []
    for measure in scores["measures"]:
        rows: list[list[Cell]] = []
        for task in plan.tasks:
            of_task = scores["tasks"][task]
            values = [of_task[system]["values"][measure] for system in plan.systems]
            marks = [(task, system, measure) in marked for system in plan.systems]
            topics = of_task[plan.systems[0]]["topics"]
            rows.append([Cell(task), Cell(f"{topics:,}"), *_cells(values, marks, style)])
        values = [scores["average"][system][measure] for system in plan.systems]
        marks = [False] * len(values)
        rows.append([Cell(AVERAGE), Cell(""), *_cells(values, marks, style)])
        header = ["kind of topic", "topics", *plan.systems]
        note = mark_note(plan.systems[0], style)
        found.append(Table(MEASURE_NAMES.get(measure, measure), header, rows, note))
    return found


def _cells(values: Sequence[float], marks: Sequence[bool], style: Style) -> list[Cell]:
    texts = [f"{value:.{style.digits}f}" for value in values]
    best = max(texts, key=float)
    several = len({float(text) for text in texts}) > 1
    return [
        Cell(text, several and float(text) == float(best), mark)
        for text, mark in zip(texts, marks, strict=True)
    ]


def write_results(
    settings: Settings,
    model: str,
    scores: dict[str, Any],
    done: Sequence[Done],
    examples: list[dict[str, Any]],
) -> Path:
    """Everything that was printed, as JSON in the output folder; return the file."""
    path = settings.output / "results.json"
    chosen = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(settings).items()
    }
    write_json(
        path,
        {
            "settings": {**chosen, "model": model},
            "collection": json.loads((settings.docs / DESCRIPTION).read_text("utf-8")),
            "steps": [
                {
                    "name": each.step.name,
                    "command": each.step.command_line(),
                    "seconds": each.seconds,
                    "skipped": each.skipped,
                }
                for each in done
            ],
            "scores": {name: scores[name] for name in ("tasks", "average", "comparisons")},
            "examples": examples,
        },
    )
    return path
