"""A section of the report: its pictures and tables, what was measured, and all its numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hyper_ir.evaluation.tables import Cell, Table
from hyper_ir.figures.picture import Picture


@dataclass(frozen=True)
class Section:
    """One part of the analysis.

    Attributes
    ----------
    name: as ``--only`` has it.
    title: its heading.
    caption: what is measured and how, of how many queries, with which seed.
    pictures, tables: what is shown.
    numbers: all figures, as JSON can hold them.
    command: what made it.
    model: whose it is, by name and the beginning of its weights' hash; empty where of none.
    """

    name: str
    title: str
    caption: str
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)
    command: str = ""
    model: str = ""


def one_line(text: str, most: int = 160) -> str:
    """A text for a table: in one line, cut, and without what would steer a terminal or a page.

    Marks that turn the direction of what follows count as such; letters that are written from
    right to left stay.
    """
    start = " ".join(text[: 4 * most].split())
    shown = "".join(sign if sign.isprintable() else "?" for sign in start[:most])
    whole = len(start) <= most and len(text) <= 4 * most
    return shown if whole else shown[: most - 1] + "…"


def row(*texts: str, best: bool = False) -> list[Cell]:
    """A table's row of plain cells; ``best`` makes the last one bold."""
    cells = [Cell(text) for text in texts]
    return [*cells[:-1], Cell(texts[-1], best=True)] if best else cells
