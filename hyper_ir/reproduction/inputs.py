"""Whether all that a grid reads is there: told at once, before anything is done."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from hyper_ir.data import irds
from hyper_ir.data.corpus import open_corpus
from hyper_ir.evaluation.measures import parse_measures
from hyper_ir.lucene.java import find_java
from hyper_ir.manifest import model_name, read_manifest
from hyper_ir.mining.tasks import read_task
from hyper_ir.models.checkpoint import find_checkpoint
from hyper_ir.problems import Problems
from hyper_ir.reproduction.cells import Cell
from hyper_ir.reproduction.grid import CORPUS, TASK, Grid, GridData
from hyper_ir.reproduction.identity import Identities, without_place
from hyper_ir.reproduction.targets import targets_of


def missing_inputs(grid: Grid, cells: Sequence[Cell]) -> list[str]:
    """Everything that the cells need and is not there, or is broken, each in a line.

    The queries that cells are trained and tested on are read: searching takes time, and a cell is
    tested last.
    """
    # A model that is missing is missing for its cells and for mining, and told once.
    lines = [*_measures(grid), *_data(grid, cells), *_tests(grid, cells), *_sides(grid, cells)]
    found = list(dict.fromkeys([*lines, *_machine(grid)]))
    if _needs_java(grid, cells):
        try:
            find_java()
        except ValueError as error:
            found.append(f"Java: {error}")
    return found


def require_measures(grid: Grid) -> None:
    """Raise ValueError for measures that are none."""
    for line in _measures(grid):
        raise ValueError(line)


def _measures(grid: Grid) -> Iterator[str]:
    for key in ("measures", "zero_shot_measures"):
        try:
            parse_measures(getattr(grid, key))
        except ValueError as error:
            yield f"{key}: {error}"


def _data(grid: Grid, cells: Sequence[Cell]) -> Iterator[str]:
    data = grid.data
    tests = {test for cell in cells for test in cell.tests}
    trained = any(cell.trained for cell in cells)
    yield from list(_lacking("data.corpus", data.corpus)) or _without_records(data)
    for task in data.tasks:
        if task in tests:
            yield from _lacking("data.dev", data.dev.replace(TASK, task))
    if trained and not data.examples:
        for name, source in data.training.items():
            key = f"data.train_only.{name}" if name in data.train_only else "data.train"
            yield from _unread(key, name, source)
    for path in data.examples:
        yield from _lacking("data.examples", path)
    if trained and not data.examples and data.mining_from != "bm25":
        yield from _backbone(grid, data.mining_from)
    if data.index is not None:
        yield from _lacking("data.index", data.index)
    for name, source in data.zero_shot.items():
        if name in tests:
            yield from _lacking(f"data.zero_shot.{name}", source)


def _without_records(data: GridData) -> Iterator[str]:
    """A collection that is empty, or whose first record cannot be read; a hub's is not fetched."""
    if irds.is_irds(data.corpus):
        return
    try:
        corpus = open_corpus(data.corpus, format=data.corpus_format, words=data.corpus_words)
        if next(iter(corpus), None) is None:
            yield f"data.corpus: {data.corpus} has no passage"
    except (ValueError, OSError, EOFError) as error:
        yield f"data.corpus: {error}"


def _unread(key: str, name: str, source: str) -> Iterator[str]:
    """Training queries that cannot be read; what a hub has is not fetched for that."""
    yield from (lacking := list(_lacking(key, source)))
    if lacking or irds.is_irds(source):
        return
    try:
        read_task(name, source, problems=Problems())
    except ValueError as error:
        yield f"{key}: {error}"


def _tests(grid: Grid, cells: Sequence[Cell]) -> Iterator[str]:
    """Queries and judgments that cannot be read; what a hub has is not fetched for that."""
    tests = {test for cell in cells for test in cell.tests}
    for name, target in targets_of(grid).items():
        if name not in tests or irds.is_irds(target.source) or not Path(target.source).exists():
            continue
        key = "data.dev" if name in grid.data.tasks else f"data.zero_shot.{name}"
        try:
            topics, _ = target.read()
        except ValueError as error:
            yield f"{key}: {error}"
            continue
        if not topics:
            yield f"{key}: {target.source}: none of its queries is judged"


def _machine(grid: Grid) -> Iterator[str]:
    """What the settings want of the machine."""
    if grid.device == "cuda":
        from torch import cuda

        if not cuda.is_available():
            yield "device: cuda: this machine has no GPU that torch can use"
    if grid.launcher and shutil.which(grid.launcher[0]) is None:
        yield f"launcher: there is no command {grid.launcher[0]}"


def _sides(grid: Grid, cells: Sequence[Cell]) -> Iterator[str]:
    tests = {test for cell in cells for test in cell.tests}
    for side in grid.sides:
        if not any(cell.side == side for cell in cells):
            continue
        config = grid.side(side)
        lacking = list(_no_checkpoint(f"{side}.model", str(config.model)))
        yield from lacking or _other_head(grid, cells, side)
        yield from _teacher(side, [cell for cell in cells if cell.side == side])
        for name, path in config.vectors.items():
            if name == CORPUS or name in tests:
                absent = list(_lacking(f"{side}.vectors.{name}", path))
                yield from absent or _other_corpus(grid, side, name, path)


def _other_head(grid: Grid, cells: Sequence[Cell], side: str) -> Iterator[str]:
    """A dense model where the rows are to be SPLADE's, and no recipe asks for another head."""
    name = str(grid.side(side).model)
    taken = any(cell.side == side and cell.recipe and not cell.recipe.head for cell in cells)
    if side == "splade" and taken and find_checkpoint(name).is_dense:
        yield (
            f"{side}.model: {name} makes dense vectors; python -m hyper_ir.encode.graft gives it "
            "a lexical head"
        )


def _backbone(grid: Grid, side: str) -> Iterator[str]:
    """What negatives are mined with, where no cell is of its side."""
    config = grid.side(side)
    yield from _no_checkpoint(f"{side}.model", str(config.model))
    if CORPUS in config.vectors:
        yield from _lacking(f"{side}.vectors.{CORPUS}", config.vectors[CORPUS])


def _teacher(side: str, cells: Sequence[Cell]) -> Iterator[str]:
    recipes = [cell.recipe for cell in cells if cell.trained and cell.recipe is not None]
    teacher = next((recipe.teacher for recipe in recipes if recipe.teacher is not None), None)
    if teacher is None:
        return
    yield from _no_checkpoint(f"{side}: teacher.model", teacher.model)
    if teacher.vectors is not None:
        yield from _lacking(f"{side}: teacher.vectors", teacher.vectors)


def _no_checkpoint(key: str, model: str) -> Iterator[str]:
    try:
        find_checkpoint(model)
    except ValueError as error:
        yield f"{key}: {error}"


def _lacking(key: str, source: str) -> Iterator[str]:
    if not source:
        yield f"{key}: a file or a folder is needed"
    elif not irds.is_irds(source) and not Path(source).exists():
        yield f"{key}: there is no {source}"


def _other_corpus(grid: Grid, side: str, name: str, path: str) -> Iterator[str]:
    """Ready vectors must be of the very collection, cut as the grid cuts it."""
    manifest = read_manifest(path)
    described = manifest.inputs.get("corpus") if manifest is not None else None
    if manifest is None or not isinstance(described, dict):
        return
    if not irds.is_irds(grid.data.source(name)) and not Path(grid.data.source(name)).exists():
        return
    wanted, there = Identities(grid, None).corpus(name), without_place(described)
    differing = sorted(key for key in {*wanted, *there} if wanted.get(key) != there.get(key))
    if differing:
        yield (
            f"{side}.vectors.{name}: {path}, made by {model_name(manifest)}, is of another "
            f"collection ({', '.join(differing)})"
        )


def _needs_java(grid: Grid, cells: Sequence[Cell]) -> bool:
    """BM25 is searched with Lucene, and what is mined from, too."""
    trained = any(cell.trained for cell in cells)
    mined = trained and not grid.data.examples and grid.data.mining_from == "bm25"
    return any(not cell.side for cell in cells) or mined or grid.engine == "lucene"
