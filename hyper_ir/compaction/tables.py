"""Sizes by part and changes of impacts, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from hyper_ir.evaluation.tables import Cell, Table
from hyper_ir.models.card import Compaction, Impacts


def size_table(compaction: Compaction) -> Table:
    """A row for each part, and one for all."""
    header = ["part", "bits", "weights", "MB", "relative error"]
    rows = [
        [
            part.name,
            part.bits,
            f"{part.weights:,}" if part.weights else "",
            f"{part.bytes / 1e6:.2f}",
            f"{part.error:.2%}" if part.weights else "",
        ]
        for part in compaction.parts
    ]
    weights = sum(part.weights for part in compaction.parts)
    rows.append(["all", "", f"{weights:,}", f"{compaction.bytes / 1e6:.2f}", ""])
    return _table("size", header, rows, words=2)


def impact_table(impacts: Sequence[Impacts]) -> Table:
    """A row for each side."""
    header = ["impacts", "texts", "impacts", "changed", "lost", "gained", "mean change", "cosine"]
    rows = [
        [
            each.side,
            f"{each.texts:,}",
            f"{each.impacts:,}",
            f"{each.changed:.2%}",
            f"{each.lost:.2%}",
            f"{each.gained:.2%}",
            f"{each.mean_change:.2f}",
            f"{each.cosine:.5f}",
        ]
        for each in impacts
    ]
    return _table("beside the model that was compacted", header, rows, words=1)


def _table(title: str, header: list[str], rows: list[list[str]], words: int) -> Table:
    return Table(title, header, [[Cell(text) for text in row] for row in rows], words=words)
