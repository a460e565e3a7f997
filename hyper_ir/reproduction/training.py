"""A cell trained into its folder; a run that was killed is gone on with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hyper_ir.files import sha256_of, write_json
from hyper_ir.reproduction.cells import Cell, changed
from hyper_ir.reproduction.grid import CORPUS, Grid
from hyper_ir.reproduction.prepared import Prepared
from hyper_ir.reproduction.store import (
    LOG,
    RECIPE,
    TRAINING,
    CellFolder,
    read_object,
    share_files,
)
from hyper_ir.training.checkpoints import steps_of
from hyper_ir.training.output import (
    DOCUMENTS,
    FREE_TO_CHANGE,
    MODEL,
    RESOLVED,
    RESULT,
    TEACHER_PREFIX,
    TEACHER_QUERIES,
    completed,
)
from hyper_ir.training.recipe import Recipe
from hyper_ir.training.run import train
from hyper_ir.training.trainer import CHECKPOINTS


def resolved(cell: Cell, folder: CellFolder, prepared: Prepared, start: Path | None) -> Recipe:
    """The cell's recipe with everything that it reads and writes.

    ``start``: the model that it goes on from; None for its recipe's own.
    """
    grid, data = prepared.grid, prepared.grid.data
    assert cell.recipe is not None
    frozen, teacher = cell.recipe.freeze != "none", cell.recipe.teacher
    taught = {} if teacher is None else {"teacher.vectors": str(prepared.teacher_vectors(teacher))}
    return changed(
        cell.recipe,
        {
            **taught,
            "model": cell.recipe.model if start is None else str(start),
            "output": str(folder.work),
            "device": grid.device,
            "data.examples": prepared.examples(),
            "data.corpus": data.corpus,
            "data.corpus_format": data.corpus_format,
            "data.corpus_words": data.corpus_words,
            "data.vectors": str(prepared.vectors(cell.side, CORPUS)) if frozen else None,
        },
    )


def train_cell(
    cell: Cell,
    folder: CellFolder,
    prepared: Prepared,
    start: Path | None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Train the cell's model into ``folder.model``; what is there of it already is used.

    ``check`` is called before the result gets its name; it raises where it is not to.
    """
    if not _is_trained(folder):
        recipe = resolved(cell, folder, prepared, start)
        folder.work.mkdir(parents=True, exist_ok=True)
        lend_documents(recipe, prepared, cell.side)
        again = _is_other(folder.work, recipe)
        begun = 0 if again else max(steps_of(folder.work / CHECKPOINTS), default=0)
        began = time.perf_counter()
        _train(recipe, again, prepared.grid)
        seconds = time.perf_counter() - began
        check()
        write_json(folder.work / "time.json", {"seconds": seconds, "from_step": begun})
        folder.forget(MODEL)
        os.replace(folder.work / MODEL, folder.model)
    for name in (TRAINING, RECIPE, LOG):
        folder.forget(name)
    _note(cell, folder)
    if cell.recipe is not None and cell.recipe.freeze != "none":
        share_files(folder.model / "document", folder.path.parent.parent / "files")
    folder.finish([folder.path / TRAINING, folder.path / RECIPE, folder.path / LOG, folder.model])
    shutil.rmtree(folder.work, ignore_errors=True)


def _is_trained(folder: CellFolder) -> bool:
    """Whether a run was finished, and killed before that was noted."""
    return folder.model.is_dir() and (folder.work / "time.json").is_file()


def lend_documents(recipe: Recipe, prepared: Prepared, side: str) -> None:
    """Documents that many cells have in common are not copied, nor what a teacher encoded."""
    work = Path(recipe.output)
    if recipe.freeze != "none":
        _lead(work / DOCUMENTS, prepared.store(side, CORPUS))
    if recipe.teacher is not None:
        store = prepared.teacher_store(recipe.teacher)
        _lead(work / (TEACHER_PREFIX + DOCUMENTS), store)
        queries = prepared.teacher_queries(recipe.teacher)
        if queries is not None:
            _lead(work / TEACHER_QUERIES, queries)


def _lead(place: Path, store: Path) -> None:
    if not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
        place.symlink_to(os.path.relpath(store, place.parent.resolve()), target_is_directory=True)


def _is_other(work: Path, recipe: Recipe) -> bool:
    """Whether an interrupted run read other files, as after a grid was moved: it starts anew."""
    if not (work / RESOLVED).is_file():
        return False
    before = completed(read_object(work / RESOLVED), Recipe)
    now = json.loads(json.dumps(asdict(recipe)))
    names = {*before, *now} - set(FREE_TO_CHANGE) - {"batch"}
    return any(before.get(name) != now.get(name) for name in names)


def _train(recipe: Recipe, again: bool, grid: Grid) -> None:
    """Here, or by the grid's launcher."""
    if not grid.launcher:
        train(recipe, resume=not again, overwrite=again)
        return
    path = Path(recipe.output).parent / "launched.json"
    write_json(path, asdict(recipe))
    words = [*grid.launcher, "-m", "hyper_ir.train", "--config", str(path)]
    words.append("--overwrite" if again else "--resume")
    done = subprocess.run(words, stdout=sys.stderr.fileno() if _has_number() else None)
    path.unlink()
    if done.returncode:
        raise ValueError(f"{' '.join(words)} ended with status {done.returncode}")


def _has_number() -> bool:
    try:
        sys.stderr.fileno()
    except (OSError, ValueError, AttributeError):
        return False
    return True


def _note(cell: Cell, folder: CellFolder) -> None:
    """What came out of the training, in the cell's folder."""
    assert cell.recipe is not None
    result, spent = read_object(folder.work / RESULT), read_object(folder.work / "time.json")
    shutil.copyfile(folder.work / LOG, folder.path / LOG)
    shutil.copyfile(folder.work / RESOLVED, folder.path / RECIPE)
    steps, seconds = int(result["steps"]), float(spent["seconds"])
    trained_now = max(steps - int(spent["from_step"]), 1)
    write_json(
        folder.path / TRAINING,
        {
            "steps": steps,
            "seconds": round(seconds * steps / trained_now, 1),
            "seconds_per_step": seconds / trained_now,
            "validation": result["scores"],
            "last": _last_line(folder.path / LOG),
            "weights": {
                path.relative_to(folder.model).as_posix(): sha256_of(path)
                for path in sorted(folder.model.rglob("*.safetensors"))
            },
        },
    )


def _last_line(log: Path) -> Mapping[str, Any]:
    """The last line that tells a loss."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return next((line for line in reversed(lines) if "loss" in line), {})
