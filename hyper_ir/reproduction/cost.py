"""What a grid will take: from finished cells where there are some, else reckoned, and said so."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hyper_ir.reproduction.cells import Cell
from hyper_ir.reproduction.grid import CORPUS, Grid
from hyper_ir.reproduction.results import Results
from hyper_ir.reproduction.store import TRAINING

TRAINED_PASSES = 3
"""Forward passes' worth of work in a step: one forward, two backward."""

RECOMPUTED_PASSES = 4
"""The same where activations are computed again (GradCache, checkpointing)."""

GIB = 1 << 30


def in_words(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3.5 h``, ``2.1 days``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"


@dataclass(frozen=True)
class Rates:
    """Seconds of the units of work.

    Attributes
    ----------
    step: of training, by the cell's kind.
    passage, query: of encoding one.
    sources: where each is from, in words.
    """

    step: Mapping[str, float]
    passage: float
    query: float
    sources: Sequence[str] = field(default_factory=list)


def rates(
    grid: Grid, cells: Sequence[Cell], results: Results, probed: Mapping[str, float]
) -> Rates:
    """Measured on finished cells, else probed, else the recipe's, else reckoned from sizes."""
    measured: dict[str, list[float]] = {}
    queries: list[float] = []
    for cell in cells:
        training = results.object(cell.name, TRAINING) if cell.trained else {}
        if "seconds_per_step" in training:
            measured.setdefault(kind_of(cell), []).append(float(training["seconds_per_step"]))
        for test in cell.tests:
            scores = results.object(cell.name, f"scores/{test}.json") if cell.side else {}
            if scores:
                queries.append(sum(scores["seconds"].values()) / max(scores["topics"], 1))
    kinds = {kind_of(cell): cell for cell in cells if cell.trained}
    timed = {kind: probed[kind] for kind in kinds if kind in probed and kind not in measured}
    known = {*measured, *timed}
    assumed = {
        kind: _seconds_per_step(grid, cell) for kind, cell in kinds.items() if kind not in known
    }
    sources = []
    if measured:
        counted = sum(len(each) for each in measured.values())
        sources.append(f"steps of {counted} finished cells, measured here")
    if timed:
        sources.append(f"steps {', '.join(timed)}: probed here")
    if assumed:
        what = "assumed" if grid.cost.seconds_per_step is not None else "reckoned from sizes"
        which = " of other kinds of cells" if known else ""
        of = f" ({grid.cost.device})" if grid.cost.device else ""
        sources.append(f"steps{which}, {what}{of}")
    query = statistics.fmean(queries) if queries else _seconds_per_query(grid)
    steps = {kind: statistics.fmean(each) for kind, each in measured.items()} | timed | assumed
    return Rates(steps, _seconds_per_passage(grid), query, sources)


def kind_of(cell: Cell) -> str:
    """Cells of one kind take about the same time for a step: ``splade with prompts``."""
    prompted = cell.recipe is not None and cell.recipe.prompts is not None
    return f"{cell.side} {'with' if prompted else 'without'} prompts"


def _seconds_per_step(grid: Grid, cell: Cell) -> float:
    cost, recipe = grid.cost, cell.recipe
    assert recipe is not None
    if cost.seconds_per_step is not None:
        return cost.seconds_per_step
    batch = recipe.batch
    queries = batch.size * min(cost.query_tokens, batch.query_length or math.inf)
    documents = 0.0
    if recipe.freeze == "none":
        length = min(cost.document_tokens, batch.document_length or math.inf)
        documents = batch.size * (1 + batch.negatives) * length
    again = batch.grad_cache or recipe.gradient_checkpointing
    passes = RECOMPUTED_PASSES if again else TRAINED_PASSES
    return _seconds((queries + documents) * passes * batch.accumulation, grid)


def _seconds(tokens: float, grid: Grid) -> float:
    """Of so many tokens forward: two operations for each parameter and token."""
    return tokens * 2 * grid.cost.parameters / ((grid.cost.tflops or 1.0) * 1e12)


def _seconds_per_passage(grid: Grid) -> float:
    cost = grid.cost
    if cost.seconds_per_passage is not None:
        return cost.seconds_per_passage
    return _seconds(min(cost.document_tokens, grid.data.document_length), grid)


def _seconds_per_query(grid: Grid) -> float:
    cost = grid.cost
    given = cost.seconds_per_query
    return _seconds(cost.query_tokens, grid) if given is None else given


def steps_of(cell: Cell, grid: Grid, examples: int | None = None) -> int:
    """Optimiser steps of a cell; of one that counts in epochs, from the number of examples.

    ``examples``: how many there are; None takes what the grid's recipe says.
    """
    if not cell.trained or cell.recipe is None:
        return 0
    if cell.steps is not None:
        return cell.steps
    recipe, tasks = cell.recipe, len(grid.data.training)
    share = len(recipe.data.tasks or grid.data.training) - len(recipe.data.leave_out)
    seen = (examples or grid.cost.examples or 0) * share / tasks
    queries = recipe.batch.size * recipe.batch.accumulation
    return math.ceil(recipe.optimiser.epochs * seen / queries)


def seconds_of(cell: Cell, grid: Grid, of: Rates, examples: int | None = None) -> float:
    """What a cell takes from its beginning: training, its own documents, its tests."""
    queries = grid.cost.queries * len(cell.tests) / max(_tests(grid), 1)
    seconds = queries * of.query
    if cell.trained and cell.recipe is not None:
        seconds += steps_of(cell, grid, examples) * of.step.get(kind_of(cell), 0.0)
        if cell.recipe.freeze == "none":
            seconds += _passages(cell.tests, grid) * of.passage
    return seconds


def preparation_seconds(
    cells: Iterable[Cell], grid: Grid, of: Rates, made: Callable[[str, str], bool]
) -> float:
    """Encoding the collections once for each backbone whose documents are frozen or untrained.

    ``made(side, collection)``: whether a side's vectors of a collection are there.
    """
    cells, total = list(cells), 0.0
    for side in grid.sides:
        tests = {
            test
            for cell in cells
            if cell.side == side
            and cell.recipe is not None
            and (not cell.trained or cell.recipe.freeze != "none")
            for test in cell.tests
        }
        collections = {test: CORPUS if test in grid.data.tasks else test for test in tests}
        left = [test for test in tests if not made(side, collections[test])]
        total += _passages(left, grid) * of.passage
    return total


def mining_seconds(grid: Grid, of: Rates) -> float:
    """Searching the training queries with a backbone; BM25 takes little beside it."""
    return 0.0 if grid.data.mining_from == "bm25" else (grid.cost.examples or 0) * of.query


def disk_bytes(cells: Sequence[Cell], grid: Grid) -> float:
    """Vectors and indexes of all that is kept at a time: one set a side, one of a cell's own."""
    cost = grid.cost
    own = any(
        cell.trained and cell.recipe is not None and cell.recipe.freeze == "none" for cell in cells
    )
    passages = (cost.passages or 0) + cost.zero_shot_passages
    index = cost.index_bytes_per_passage if grid.engine == "lucene" else 0.0
    each = {
        "splade": 2 * cost.bytes_per_passage + index,
        "dpr": cost.dense_bytes_per_passage,
    }
    sizes = [each[side] for side in grid.sides]
    return passages * (sum(sizes) + own * max(sizes, default=0.0))


def _tests(grid: Grid) -> int:
    return len(grid.data.tasks) + len(grid.data.zero_shot)


def _passages(tests: Sequence[str], grid: Grid) -> float:
    of_tasks = any(test in grid.data.tasks for test in tests)
    others = sum(test in grid.data.zero_shot for test in tests)
    share = others / max(len(grid.data.zero_shot), 1)
    return of_tasks * (grid.cost.passages or 0) + share * grid.cost.zero_shot_passages
