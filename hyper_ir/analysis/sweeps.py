"""Scores of models that differ in one setting (figure 5): read, and averaged over seeds."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

from hyper_ir.files import read_jsonl, read_lines, require_file

FIELDS = ("system", "setting", "value", "seed", "score")
OPTIONAL = ("collection", "measure")


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One trained model's score.

    Attributes
    ----------
    system: what is trained, for example HypeR.
    setting, value: what was changed to what, for example prompts.prompts and 20.
    seed: of its training.
    score: what it reached.
    collection, measure: on what and by which measure; empty where there is but one.
    """

    system: str
    setting: str
    value: float
    seed: int
    score: float
    collection: str = ""
    measure: str = ""


@dataclass(frozen=True, slots=True)
class SweepValue:
    """What the seeds of one value say.

    Attributes
    ----------
    value: of the setting.
    mean, deviation: over seeds; the standard deviation is None for a single seed.
    seeds: how many.
    """

    value: float
    mean: float
    deviation: float | None
    seeds: int


class Panel(NamedTuple):
    """What one panel shows: a setting, on what, by which measure."""

    setting: str
    collection: str = ""
    measure: str = ""


Sweeps = dict[Panel, dict[str, list[SweepValue]]]
"""By panel and system, values rising."""


def read_sweeps(path: Path) -> list[SweepPoint]:
    """Read points from JSONL (an object a line) or TSV with a header, by the file's name.

    Fields are those of :class:`SweepPoint`. Raises ValueError with the place for one that is
    missing or no number, for a model that stands there twice, and where there is no point.
    """
    require_file(path, "sweeps")
    records = _tsv(path) if ".tsv" in path.suffixes else read_jsonl(path)
    points: list[SweepPoint] = []
    places: dict[tuple[object, ...], str] = {}
    for where, record in records:
        try:
            point = _point(record)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{where}: {error!s:.500}") from error
        key = (point.system, point.setting, point.value, point.seed, *_panel(point))
        if key in places:
            raise ValueError(
                f"{where}: {point.system:.100} with {point.setting:.100} {point.value:g}, "
                f"seed {point.seed}, stands at {places[key]} already"
            )
        places[key] = where
        points.append(point)
    if not points:
        raise ValueError(f"{path}: no score in it; each needs {', '.join(FIELDS)}")
    return points


def _tsv(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    lines = read_lines(path)
    header = next((line for _, line in lines), "").split("\t")
    for number, line in lines:
        if line.strip():
            cells = line.split("\t")
            yield f"{path}:{number}", dict(zip(header, cells, strict=False))


def _point(record: dict[str, Any]) -> SweepPoint:
    missing = [name for name in FIELDS if record.get(name) in (None, "")]
    if missing:
        raise ValueError(f"{', '.join(missing)}: missing; each needs {', '.join(FIELDS)}")
    seed = _number(record, "seed")
    if seed != int(seed):
        raise ValueError(f"seed: {record['seed']!r} is not a whole number")
    return SweepPoint(
        str(record["system"]),
        str(record["setting"]),
        _number(record, "value"),
        int(seed),
        _number(record, "score"),
        *(str(record.get(name) or "") for name in OPTIONAL),
    )


def _number(record: dict[str, Any], name: str) -> float:
    try:
        value = float(record[name])
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name}: {json.dumps(record[name]):.200} is not a number") from error
    if not math.isfinite(value):
        raise ValueError(f"{name}: {value} is not a number that can be drawn")
    return value


def _panel(point: SweepPoint) -> Panel:
    return Panel(point.setting, point.collection, point.measure)


def swept(points: Iterable[SweepPoint]) -> Sweeps:
    """The points by panel and system, in the order they came, values rising."""
    scores: dict[Panel, dict[str, dict[float, list[float]]]] = {}
    for point in points:
        of_system = scores.setdefault(_panel(point), {}).setdefault(point.system, {})
        of_system.setdefault(point.value, []).append(point.score)
    return {
        panel: {
            system: [_value(value, by_value[value]) for value in sorted(by_value)]
            for system, by_value in systems.items()
        }
        for panel, systems in scores.items()
    }


def _value(value: float, scores: Sequence[float]) -> SweepValue:
    deviation = stdev(scores) if len(scores) > 1 else None
    return SweepValue(value, fmean(scores), deviation, len(scores))
