"""A run's output folder: what may go into it, what a resumed run may change, what is finished."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from hyper_ir.files import PARTIAL_SUFFIX, require_writable_folder, write_json
from hyper_ir.locking import LOCK_SUFFIX
from hyper_ir.training.recipe import Recipe
from hyper_ir.training.trainer import CHECKPOINTS, LOG, best_folder, keep_best

MODEL = "model"
RESOLVED = "recipe.json"
RESULT = "result.json"
DOCUMENTS = "documents"
VECTORS = "vectors"
TEACHER_PREFIX = "teacher-"
"""Of the folders with the same of a teacher."""
TEACHER_QUERIES = TEACHER_PREFIX + "queries"

UNFINISHED = (PARTIAL_SUFFIX, LOCK_SUFFIX)
PREPARED = {prefix + name for prefix in ("", TEACHER_PREFIX) for name in (DOCUMENTS, VECTORS)}
PREPARED |= {TEACHER_QUERIES}


@dataclass(frozen=True)
class Result:
    """What a run gave.

    Attributes
    ----------
    model: folder of the trained retriever, the best by validation.
    steps: optimiser steps trained in all.
    scores: the best validation, and the step it was found at; empty without validation.
    """

    model: Path
    steps: int
    scores: dict[str, float]


def check_output(recipe: Recipe, output: Path, resume: bool, overwrite: bool) -> None:
    """Raise ValueError for output that is there and is not to be gone on with or thrown away."""
    if resume and overwrite:
        raise ValueError("resume and overwrite exclude each other")
    require_writable_folder(output, "output")
    if not (output / RESOLVED).is_file():
        # Killed while documents were prepared, a run leaves these alone, or a part of them.
        inside = {path.name for path in output.iterdir()} if output.is_dir() else set()
        if any(name not in PREPARED and not name.endswith(UNFINISHED) for name in inside):
            raise ValueError(f"output: {output} holds something that is no training run")
        return
    if overwrite:
        return
    if not resume:
        raise ValueError(
            f"output: {output} holds a run already; --resume goes on with it, --overwrite starts "
            "anew"
        )
    before = completed(_read(output / RESOLVED, "model", "data"), Recipe)
    now = json.loads(json.dumps(asdict(recipe)))
    differing = _differing(before, now)
    if differing:
        raise ValueError(
            f"{output / RESOLVED}: the interrupted run had another {', '.join(differing)}; give "
            "the same recipe, or another --output"
        )


def _read(path: Path, *keys: str) -> dict[str, Any]:
    """What a run wrote down; ValueError where it is damaged."""
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if missing := [key for key in keys if key not in value]:
            raise ValueError(f"it has no {missing[0]}")
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: not readable: {error}; --overwrite starts anew") from error
    return value


def completed(written: dict[str, Any], kind: type) -> dict[str, Any]:
    """Settings that an earlier version wrote down, with the defaults of those it did not know.

    ``kind``: the dataclass that they are of, whose parts may be dataclasses or None.
    """
    whole, hints = dict(written), get_type_hints(kind)
    for field in fields(kind):
        value = whole.get(field.name)
        if field.name not in whole:
            made = field.default_factory
            default = field.default if made is MISSING else made()
            if default is not MISSING:
                plain = asdict(default) if is_dataclass(default) else default  # type: ignore[arg-type]
                whole[field.name] = json.loads(json.dumps(plain))
        elif isinstance(value, dict):
            alternatives = get_args(hints[field.name]) or (hints[field.name],)
            part = next((each for each in alternatives if is_dataclass(each)), None)
            whole[field.name] = completed(value, part) if isinstance(part, type) else value
    return whole


FREE_TO_CHANGE = ("output", "log", "device", "batch.workers")
"""Settings that a resumed run may change: its numbers do not follow from them."""


def _differing(before: dict[str, Any], now: dict[str, Any], path: str = "") -> list[str]:
    found: list[str] = []
    for name in sorted({*before, *now}):
        place = f"{path}{name}"
        first, second = before.get(name), now.get(name)
        if place in FREE_TO_CHANGE or first == second:
            continue
        if isinstance(first, dict) and isinstance(second, dict):
            found += _differing(first, second, f"{place}.")
        else:
            found.append(place)
    return found


def clear(output: Path, overwrite: bool) -> None:
    """Make the folder; with ``overwrite``, throw away the run that is there.

    Documents stay: they are made anew by themselves where they are others.
    """
    output.mkdir(parents=True, exist_ok=True)
    if overwrite:
        for name in (RESULT, LOG):
            (output / name).unlink(missing_ok=True)
        for name in (CHECKPOINTS, MODEL):
            shutil.rmtree(output / name, ignore_errors=True)
        keep_best(output, None)


def finished_before(output: Path) -> Result | None:
    """The result of a run that was finished, or None.

    Raises ValueError for a finished run whose model is gone.
    """
    if not (output / RESULT).is_file():
        return None
    value = _read(output / RESULT, "best", "steps", "scores")
    best = best_folder(output, int(value["best"]))
    if not (output / MODEL).is_dir():
        # The result is written first: a run that was killed in between lacks the name alone.
        if not best.is_dir():
            raise ValueError(
                f"{output}: a finished run without its {MODEL}/; --overwrite trains it"
            )
        os.replace(best, output / MODEL)
    return Result(output / MODEL, int(value["steps"]), value["scores"])


def finish(output: Path, best: int, steps: int, scores: dict[str, float]) -> Result:
    """Note the result, then give the model that was best at step ``best`` its name."""
    write_json(output / RESULT, {"steps": steps, "best": best, "scores": scores})
    shutil.rmtree(output / MODEL, ignore_errors=True)
    os.replace(best_folder(output, best), output / MODEL)
    return Result(output / MODEL, steps, scores)
