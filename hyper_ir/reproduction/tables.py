"""The paper's tables, from finished cells: means over seeds, paired tests, marks."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hyper_ir.evaluation.inputs import AVERAGE
from hyper_ir.evaluation.tables import MARK, Cell, Table
from hyper_ir.reproduction.comparing import Compared, compared
from hyper_ir.reproduction.results import Results, mean_values

MISSING = "–"
DIGITS = 3
ALPHA = 0.05


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes
    ----------
    title: the system.
    group: what stands before it, where the table has parts.
    cells: for each test, the names of the cells whose mean is shown, one for each seed.
    references: titles of rows of its group: it is compared with the first that has figures.
    """

    title: str
    cells: Mapping[str, Sequence[str]]
    group: str = ""
    references: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Group and title."""
        return f"{self.group} {self.title}".strip()


@dataclass(frozen=True)
class Layout:
    """What a table shows.

    Attributes
    ----------
    name: ``table1`` and so on.
    title: above it.
    groups: what the first column is called where rows have groups; empty for no such column.
    tests: the columns.
    measure: of the figures.
    """

    name: str
    title: str
    tests: Sequence[str]
    measure: str
    rows: Sequence[Row]
    groups: str = ""


@dataclass(frozen=True)
class Figure:
    """One figure: the mean over seeds, their standard deviation, and how many they are."""

    mean: float
    deviation: float | None
    seeds: int


@dataclass(frozen=True)
class Filled:
    """A table with its figures.

    Attributes
    ----------
    figures: by row's name and column.
    comparisons: of the rows with their references.
    """

    layout: Layout
    figures: Mapping[str, Mapping[str, Figure]]
    comparisons: Sequence[Compared] = field(default_factory=list)


def without_hits(tables: Iterable[Filled]) -> list[str]:
    """Tests of which no row finds anything: hardly judgments of this collection."""
    found: dict[str, float] = {}
    for table in tables:
        for row in table.figures.values():
            for test in table.layout.tests:
                if test in row:
                    found[test] = max(found.get(test, 0.0), row[test].mean)
    return [test for test, best in found.items() if best == 0]


def filled(layout: Layout, results: Results) -> Filled:
    """The table's figures from the cells that are there."""
    rows: dict[str, dict[str, dict[str, float]]] = {}
    figures: dict[str, dict[str, Figure]] = {}
    for row in layout.rows:
        means, shown = rows.setdefault(row.name, {}), figures.setdefault(row.name, {})
        by_seed: list[list[float]] = []
        for test in layout.tests:
            several = results.over_seeds(row.cells.get(test, ()), test, layout.measure)
            if several:
                means[test] = mean_values(several)
                by_seed.append([statistics.fmean(values.values()) for values in several])
                shown[test] = _figure(by_seed[-1])
        if len(by_seed) == len(layout.tests) > 1:
            shown[AVERAGE] = _average(by_seed)
    references: dict[str, str] = {}
    for row in layout.rows:
        names = [f"{row.group} {title}".strip() for title in row.references]
        if there := [name for name in names if figures.get(name)]:
            references[row.name] = there[0]
    return Filled(layout, figures, compared(rows, references, layout.tests))


def _figure(values: Sequence[float]) -> Figure:
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Figure(statistics.fmean(values), deviation, len(values))


def _average(by_seed: Sequence[Sequence[float]]) -> Figure:
    """Over tests; its deviation is that of the seeds' averages where all tests have all seeds."""
    mean = statistics.fmean(statistics.fmean(values) for values in by_seed)
    seeds = min(len(values) for values in by_seed)
    if seeds == max(len(values) for values in by_seed):
        return _figure([statistics.fmean(column) for column in zip(*by_seed, strict=True)])
    return Figure(mean, None, seeds)


def drawn(table: Filled) -> Table:
    """The table for a terminal or in Markdown."""
    layout = table.layout
    columns = [*layout.tests, *([AVERAGE] if len(layout.tests) > 1 else [])]
    marked = {(each.row, each.column): each for each in table.comparisons if each.t_p_holm < ALPHA}
    best = {
        column: max(
            (_text(row[column].mean) for row in table.figures.values() if column in row),
            default="",
        )
        for column in columns
    }
    rows = []
    for row in layout.rows:
        words = [Cell(row.group)] if layout.groups else []
        words.append(Cell(row.title))
        for column in columns:
            figure = table.figures[row.name].get(column)
            if figure is None:
                words.append(Cell(MISSING))
                continue
            text = _text(figure.mean)
            spread = "" if figure.deviation is None else f" ±{_text(figure.deviation)}"
            words.append(Cell(text + spread, text == best[column], (row.name, column) in marked))
        rows.append(words)
    header = [*([layout.groups] if layout.groups else []), "system", *columns]
    words_in_front = 2 if layout.groups else 1
    return Table(layout.title, header, rows, _note(table), words=words_in_front)


def _text(value: float) -> str:
    return f"{value:.{DIGITS}f}"


def _note(table: Filled) -> str:
    parts = [table.layout.measure]
    figures = [figure for row in table.figures.values() for figure in row.values()]
    if any(figure.seeds > 1 for figure in figures):
        parts.append("mean and standard deviation over seeds")
    if table.comparisons:
        pairs = {each.reference for each in table.comparisons}
        parts.append(
            f"{MARK} differs from {' or '.join(sorted(pairs))} (paired t-test over queries, their "
            f"values averaged over seeds; Holm-corrected over the table, averages apart; p < "
            f"{ALPHA:g})"
        )
    if any(AVERAGE not in row and len(table.layout.tests) > 1 for row in table.figures.values()):
        parts.append(f"{MISSING} not there yet")
    return "; ".join(parts)


def as_json(table: Filled) -> dict[str, Any]:
    """All figures and tests."""
    layout = table.layout
    return {
        "title": layout.title,
        "measure": layout.measure,
        "tests": list(layout.tests),
        "rows": [
            {
                "group": row.group,
                "system": row.title,
                "cells": {test: list(names) for test, names in row.cells.items()},
                "figures": {
                    column: asdict(figure) for column, figure in table.figures[row.name].items()
                },
            }
            for row in layout.rows
        ],
        "comparisons": [asdict(each) for each in table.comparisons],
    }
