"""From a grid to its cells, in the order in which they are worked off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch

from hyper_ir.reproduction.cells import Cell, changed
from hyper_ir.reproduction.grid import PARTS, Grid
from hyper_ir.reproduction.systems import (
    ABLATIONS,
    BM25,
    CROSS_DOMAIN,
    FINE_TUNED,
    HYPER,
    MAIN,
    PREFIX,
    RELEASED,
    ZERO,
    System,
)
from hyper_ir.training.recipe import Recipe

TABLES = {
    "table1": ("bm25", "zero", "main", "leave-one-out"),
    "table2": ("bm25", "zero", "main", "cross-domain"),
    "table3": ("main", "ablations"),
    "table4": ("leave-one-out", "few-shot"),
    "table5": ("main", "fine-tuned"),
}
"""The parts that each table of the paper shows."""


def planned(grid: Grid, recipes: Mapping[str, Recipe]) -> list[Cell]:
    """All cells of the grid's parts, those of the main rows first.

    ``recipes``: each side's recipe of HypeR. A cell may be there twice under two names, where two
    parts want the same training: the sweep over N holds the main row.
    """
    planner = _Planner(grid, recipes)
    return [cell for part in PARTS if part in grid.parts for cell in planner.makers[part](part)]


class _Planner:
    def __init__(self, grid: Grid, recipes: Mapping[str, Recipe]) -> None:
        self.grid = grid
        self.recipes = recipes
        self.everything = (*grid.data.tasks, *grid.data.zero_shot)
        self.makers: dict[str, Callable[[str], Iterator[Cell]]] = {
            "bm25": self._bm25,
            "zero": self._zero,
            "main": self._main,
            "ablations": self._ablations,
            "cross-domain": self._cross_domain,
            "leave-one-out": self._leave_one_out,
            "few-shot": self._few_shot,
            "fine-tuned": self._fine_tuned,
            "prompts": self._prompts,
            "cpr": self._cpr,
            "length": self._length,
            "initialisation": self._initialisation,
            "released": self._released,
        }

    def _bm25(self, part: str) -> Iterator[Cell]:
        yield Cell("", BM25.name, part, tests=self.everything)

    def _zero(self, part: str) -> Iterator[Cell]:
        for side in self.grid.sides:
            yield Cell(side, ZERO.name, part, recipe=self.recipes[side], tests=self.everything)

    def _main(self, part: str) -> Iterator[Cell]:
        for seed in self.grid.seeds_of(part):
            for side in self.grid.sides:
                for system in MAIN:
                    yield replace(self._trained(part, side, system, seed), kept=True)

    def _ablations(self, part: str) -> Iterator[Cell]:
        for seed in self.grid.seeds_of(part):
            for system in ABLATIONS:
                yield from self._first_side(part, system, seed)

    def _cross_domain(self, part: str) -> Iterator[Cell]:
        for seed in self.grid.seeds_of(part):
            for system in (HYPER, PREFIX):
                for cell in self._first_side(part, system, seed, CROSS_DOMAIN):
                    assert cell.recipe is not None
                    yield replace(cell, recipe=changed(cell.recipe, {"freeze": "backbone"}))

    def _leave_one_out(self, part: str) -> Iterator[Cell]:
        for seed in self.grid.seeds_of(part):
            for side in self.grid.sides:
                for system in MAIN:
                    for task in self._left_out():
                        cell = self._without(part, side, system, seed, task)
                        yield replace(cell, kept=self._is_start(side, task))

    def _left_out(self) -> list[str]:
        """Each task, where others remain to be trained on."""
        tasks = self.grid.data.tasks
        return list(tasks) if len(tasks) > 1 else []

    def _without(self, part: str, side: str, system: System, seed: int, task: str) -> Cell:
        cell = self._trained(part, side, system, seed, f"without-{task}", (task,))
        assert cell.recipe is not None
        return replace(cell, recipe=changed(cell.recipe, {"data.leave_out": [task]}))

    def _is_start(self, side: str, task: str) -> bool:
        """Whether few-shot cells go on from the model that never saw this task."""
        few = self.grid.few_shot.tasks
        wanted = "few-shot" in self.grid.parts and side == self.grid.sides[0]
        return wanted and (few is None or task in few)

    def _few_shot(self, part: str) -> Iterator[Cell]:
        few = self.grid.few_shot
        tasks = [task for task in self._left_out() if few.tasks is None or task in few.tasks]
        for seed in self.grid.seeds_of(part):
            for count in few.examples:
                for system in MAIN:
                    for task in tasks:
                        for side in self.grid.sides[:1]:
                            yield self._on_with(part, side, system, seed, task, count)

    def _on_with(
        self, part: str, side: str, system: System, seed: int, task: str, count: int
    ) -> Cell:
        start = replace(self._without("leave-one-out", side, system, seed, task), kept=True)
        cell = self._trained(part, side, system, seed, f"{count}-of-{task}", (task,))
        recipe = cell.recipe
        assert recipe is not None
        steps = min(self.grid.few_shot.steps, self.grid.steps or self.grid.few_shot.steps)
        recipe = changed(
            recipe,
            {
                "data.tasks": [task],
                "data.per_task": count,
                "batch.size": min(count, recipe.batch.size),
                "optimiser.max_steps": steps,
            },
        )
        return replace(cell, recipe=recipe, start=start)

    def _fine_tuned(self, part: str) -> Iterator[Cell]:
        for seed in self.grid.seeds_of(part):
            for side in self.grid.sides:
                for task in self.grid.data.tasks:
                    cell = self._trained(part, side, FINE_TUNED, seed, task, (task,))
                    assert cell.recipe is not None
                    recipe = changed(cell.recipe, {"data.tasks": [task]})
                    if self.grid.fine_tuning_steps is not None:
                        steps = {"optimiser.max_steps": self.grid.fine_tuning_steps}
                        recipe = changed(recipe, steps)
                    yield replace(cell, recipe=recipe)

    def _prompts(self, part: str) -> Iterator[Cell]:
        yield from self._sweep(part, "prompts.prompts", "N", self.grid.sweep.prompts)

    def _cpr(self, part: str) -> Iterator[Cell]:
        yield from self._sweep(part, "objective.cpr", "cpr", self.grid.sweep.cpr)

    def _length(self, part: str) -> Iterator[Cell]:
        yield from self._sweep(part, "prompts.length", "m", self.grid.sweep.lengths)

    def _initialisation(self, part: str) -> Iterator[Cell]:
        starts = self.grid.sweep.initialisations
        yield from self._sweep(part, "prompts.initialisation", "start", starts)

    def _sweep(
        self, part: str, key: str, symbol: str, values: Sequence[int | float | str]
    ) -> Iterator[Cell]:
        for seed in self.grid.seeds_of(part):
            for value in values:
                system = System(HYPER.name, HYPER.title, {key: value})
                yield from self._first_side(part, system, seed, f"{symbol}={value}")

    def _released(self, part: str) -> Iterator[Cell]:
        for seed in self.grid.seeds_of(part):
            yield from self._first_side(part, RELEASED, seed)

    def _first_side(
        self, part: str, system: System, seed: int, variant: str = ""
    ) -> Iterator[Cell]:
        """As in the paper, what is varied is varied on one side: SPLADE where there is one."""
        for side in self.grid.sides[:1]:
            yield self._trained(part, side, system, seed, variant)

    def _trained(
        self,
        part: str,
        side: str,
        system: System,
        seed: int,
        variant: str = "",
        tests: tuple[str, ...] | None = None,
    ) -> Cell:
        recipe = changed(self.recipes[side], {**system.changes, "seed": seed})
        if self.grid.steps is not None:
            recipe = changed(recipe, {"optimiser.max_steps": self.grid.steps})
        tests = self.everything if tests is None else tests
        return Cell(side, system.name, part, seed, variant, recipe, True, tests=tests)


def chosen(cells: Sequence[Cell], only: Sequence[str]) -> list[Cell]:
    """The cells that the patterns name, with what they start from in front.

    A pattern is a table (``table1``), a part (``main``), or a cell's name, in which ``*`` stands
    for anything; the seed may be left out. All cells where there is no pattern. Raises ValueError
    for a pattern that names nothing.
    """
    for pattern in only:
        if not any(_matches(cell, pattern) for cell in cells):
            raise ValueError(
                f"only: {pattern!r} names no cell; tables are {', '.join(TABLES)}, parts "
                f"{', '.join(PARTS)}, and --list shows the cells"
            )
    wanted = [
        cell for cell in cells if not only or any(_matches(cell, pattern) for pattern in only)
    ]
    there = {cell.name for cell in wanted}
    starts: dict[str, Cell] = {}
    for cell in wanted:
        if cell.start is not None and cell.start.name not in there:
            starts[cell.start.name] = cell.start
    return [*starts.values(), *wanted]


def _matches(cell: Cell, pattern: str) -> bool:
    if pattern in TABLES:
        return cell.part in TABLES[pattern]
    if pattern in PARTS:
        return cell.part == pattern
    return fnmatch(cell.name, pattern) or fnmatch(cell.name.partition("@")[0], pattern)
