"""Scores and queries a second of systems whose vectors are pruned by weight (figure 4): read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyper_ir.files import read_jsonl, require_file


@dataclass(frozen=True, slots=True)
class SpeedPoint:
    """One way to search, measured.

    Attributes
    ----------
    system: its name, for example HypeR or BM25.
    query_terms, document_terms: what vectors are cut to; None where they are whole.
    queries_per_second: one at a time.
    slowest, fastest: of the passes measured.
    score: what it reached, from 0 to 1.
    measure: by which measure.
    factor: that weights were made integers with, where a system has several; else None.
    encoded: whether encoding the query is in the time; False for searching alone.
    """

    system: str
    query_terms: int | None
    document_terms: int | None
    queries_per_second: float
    slowest: float
    fastest: float
    score: float
    measure: str = "score"
    factor: float | None = None
    encoded: bool = True

    @property
    def label(self) -> str:
        """What is pruned to how many terms: q8, d64, q8 d64; x16 for the factor."""
        parts = [("q", self.query_terms), ("d", self.document_terms), ("x", self.factor)]
        return " ".join(f"{name}{count:g}" for name, count in parts if count is not None)


def read_speed(path: Path) -> list[SpeedPoint]:
    """Read points from JSONL, an object a line with the fields of :class:`SpeedPoint`.

    Those after ``score``, and ``slowest`` and ``fastest``, may be left out. Raises ValueError with
    the place for a field that is missing or no number, and where there is no point.
    """
    points = []
    for where, record in read_jsonl(require_file(path, "advice")):
        try:
            points.append(point_of(record))
        except (ValueError, OverflowError, RecursionError) as error:
            raise ValueError(f"{where}: {error!s:.500}") from error
    if not points:
        raise ValueError(f"{path}: nothing was measured in it")
    return points


def point_of(record: dict[str, Any]) -> SpeedPoint:
    """One point of a JSON object; raises ValueError for one that is missing or no number."""
    system = record.get("system")
    if not isinstance(system, str) or not system.strip():
        raise ValueError(f"system: {system!r} is no name")
    rate = _positive(record, "queries_per_second")
    score: Any = record.get("score")
    if type(score) not in (int, float) or not math.isfinite(score):
        raise ValueError(f"score: {score!r} is not a number")
    return SpeedPoint(
        system,
        _terms(record, "query_terms"),
        _terms(record, "document_terms"),
        rate,
        _positive(record, "slowest") if "slowest" in record else rate,
        _positive(record, "fastest") if "fastest" in record else rate,
        float(score),
        str(record.get("measure") or "score"),
        None if record.get("factor") is None else _positive(record, "factor"),
        record.get("encoded", True) is True,
    )


def _positive(record: dict[str, Any], name: str) -> float:
    value: Any = record.get(name)
    if type(value) not in (int, float) or not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name}: {value!r} is not a number above 0")
    return float(value)


def _terms(record: dict[str, Any], name: str) -> int | None:
    value = record.get(name)
    if value is not None and (type(value) is not int or value < 1):
        raise ValueError(f"{name}: {value!r} is neither null nor a whole number of 1 or more")
    return value


def frontier(points: Sequence[SpeedPoint]) -> list[SpeedPoint]:
    """The points that no other beats in both speed and score, slowest first."""
    best: list[SpeedPoint] = []
    for point in sorted(points, key=lambda each: (-each.queries_per_second, -each.score)):
        if not best or point.score > best[-1].score:
            best.append(point)
    return best[::-1]
