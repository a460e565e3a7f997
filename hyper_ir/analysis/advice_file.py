"""What ``hyper_ir.advise`` measured, as points of speed and score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hyper_ir.analysis.speed import SpeedPoint, point_of, read_speed
from hyper_ir.evaluation.inputs import named_source
from hyper_ir.files import require_file
from hyper_ir.models.checkpoint import read_object

ADVICE = "advice.json"


def read_measured(text: str) -> list[SpeedPoint]:
    """The points of ``[SYSTEM=]SOURCE``.

    SOURCE is a folder of ``hyper_ir.advise`` or its advice.json, whose system is called as given
    or as its folder; or JSONL as :func:`~hyper_ir.analysis.speed.read_speed` reads it, which
    names systems itself. Raises ValueError where it is neither.
    """
    system, source = named_source(text, "advice")
    path = Path(source) / ADVICE if Path(source).is_dir() else Path(source)
    require_file(path, "advice")
    if path.suffix != ".json":
        if system:
            raise ValueError(f"advice {text!r}: {path.name} names its systems itself")
        return read_speed(path)
    value = read_object(path)
    try:
        return _points(value, system or path.resolve().parent.name)
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{path}: not what hyper_ir.advise writes: {reason}") from error


def _points(value: dict[str, Any], system: str) -> list[SpeedPoint]:
    measure = value["measures"][0]
    encoding = value["encoding"]
    factors = {cell["factor"] for cell in value["cells"]}
    points = []
    for cell in value["cells"]:
        speed = {
            name: _with_encoding(cell["latency"][name], encoding and encoding[name])
            for name in ("queries_per_second", "slowest", "fastest")
        }
        points.append(
            point_of(
                {
                    "system": system,
                    "query_terms": cell["query_terms"],
                    "document_terms": cell["top_k"],
                    "factor": cell["factor"] if len(factors) > 1 else None,
                    **speed,
                    "score": cell["scores"][measure],
                    "measure": measure,
                    "encoded": encoding is not None,
                }
            )
        )
    if not points:
        raise ValueError("no cell in it")
    return points


def _with_encoding(searching: float, encoding: float | None) -> float:
    """Queries a second of searching after encoding, one query after the other."""
    return searching if encoding is None else 1 / (1 / searching + 1 / encoding)
