"""Whether all that a grid reads is there: told at once, before anything is done."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from hyper_ir.data import irds
from hyper_ir.data.corpus import open_corpus
from hyper_ir.evaluation.measures import parse_measures
from hyper_ir.lucene.java import find_java
from hyper_ir.mining.tasks import read_task
from hyper_ir.problems import Problems
from hyper_ir.reproduction.cells import Cell
from hyper_ir.reproduction.grid import TASK, Grid, GridData
from hyper_ir.reproduction.model_inputs import lacking, unusable_models
from hyper_ir.reproduction.targets import targets_of


def missing_inputs(grid: Grid, cells: Sequence[Cell]) -> list[str]:
    """Everything that the cells need and is not there, or is broken, each in a line.

    The queries that cells are trained and tested on are read: searching takes time, and a cell is
    tested last.
    """
    # A model that is missing is missing for its cells and for mining, and told once.
    lines = [
        *_measures(grid),
        *_data(grid, cells),
        *_tests(grid, cells),
        *unusable_models(grid, cells),
    ]
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
    yield from list(lacking("data.corpus", data.corpus)) or _without_records(data)
    for task in data.tasks:
        if task in tests:
            yield from lacking("data.dev", data.dev.replace(TASK, task))
    if trained and not data.examples:
        for name, source in data.training.items():
            key = f"data.train_only.{name}" if name in data.train_only else "data.train"
            yield from _unread(key, name, source)
    for path in data.examples:
        yield from lacking("data.examples", path)
    if data.index is not None:
        yield from lacking("data.index", data.index)
    for name, source in data.zero_shot.items():
        if name in tests:
            yield from lacking(f"data.zero_shot.{name}", source)


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
    yield from (absent := list(lacking(key, source)))
    if absent or irds.is_irds(source):
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


def _needs_java(grid: Grid, cells: Sequence[Cell]) -> bool:
    """BM25 is searched with Lucene, and what is mined from, too."""
    trained = any(cell.trained for cell in cells)
    mined = trained and not grid.data.examples and grid.data.mining_from == "bm25"
    return any(not cell.side for cell in cells) or mined or grid.engine == "lucene"
