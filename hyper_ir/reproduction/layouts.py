"""Which cells stand where in the paper's tables, and in those of the sweeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from hyper_ir.reproduction.cells import cell_name
from hyper_ir.reproduction.grid import Grid
from hyper_ir.reproduction.systems import (
    ABLATIONS,
    BM25,
    CROSS_DOMAIN,
    FINE_TUNED,
    HYPER,
    MULTITASK,
    PREFIX,
    RELEASED,
    ZERO,
    System,
    title_of,
)
from hyper_ir.reproduction.tables import Layout, Row

SUPERVISED = "multi-task"
UNSEEN = "unseen task"


class Layouts:
    """The tables of a grid.

    Parameters
    ----------
    planned: names of the cells that there will be; rows of others are left out.
    """

    def __init__(self, grid: Grid, planned: Iterable[str]) -> None:
        self.grid = grid
        self.planned = set(planned)
        self.tasks = grid.data.tasks
        self.zero_shot = list(grid.data.zero_shot)

    def all(self) -> Iterator[Layout]:
        """Every table that has a row, the paper's five first; KILT's by each measure."""
        for layout in self._all():
            rows = [row for row in layout.rows if self._is_planned(row)]
            if rows:
                yield replace(layout, rows=rows)

    def _is_planned(self, row: Row) -> bool:
        return any(name in self.planned for names in row.cells.values() for name in names)

    def _all(self) -> Iterator[Layout]:
        for number, measure in enumerate(self.grid.measures):
            more = "" if number == 0 else f" ({measure})"
            end = "" if number == 0 else f"-{measure}"
            yield self._kilt(f"table1{end}", f"Table 1: tasks, seen and unseen{more}", measure)
            if number == 0 and self.zero_shot:
                yield self._beir()
            yield self._ablations(f"table3{end}", f"Table 3: ablations{more}", measure)
            yield self._few_shot(f"table4{end}", f"Table 4: few examples{more}", measure)
            yield self._fine_tuned(f"table5{end}", f"Table 5: a model a task{more}", measure)
        yield from self._sweeps(self.grid.measures[0], self.tasks, "tasks")
        if self.zero_shot:
            yield from self._sweeps(self.grid.zero_shot_measures[0], self.zero_shot, "zero-shot")

    def _kilt(self, name: str, title: str, measure: str) -> Layout:
        rows = [Row(BM25.title, self._plain("", BM25), SUPERVISED, self._hypers())]
        for side in self.grid.sides:
            for system in (MULTITASK, PREFIX, HYPER):
                cells = self._seeded(side, system, self.tasks, "main")
                rows.append(self._row(side, system, cells, SUPERVISED))
        rows.append(Row(BM25.title, self._plain("", BM25), UNSEEN, self._hypers()))
        for side in self.grid.sides:
            rows.append(self._row(side, ZERO, self._plain(side, ZERO), UNSEEN))
            for system in (MULTITASK, PREFIX, HYPER):
                cells = {
                    task: [
                        cell_name(side, system.name, f"without-{task}", seed)
                        for seed in self.grid.seeds_of("leave-one-out")
                    ]
                    for task in self.tasks
                }
                rows.append(self._row(side, system, cells, UNSEEN))
        return Layout(name, title, self.tasks, measure, rows, "setting")

    def _beir(self) -> Layout:
        frozen = "the backbone frozen"
        rows = [Row(BM25.title, self._plain("", BM25, self.zero_shot))]
        for side in self.grid.sides:
            plain = self._plain(side, ZERO, self.zero_shot)
            rows.append(Row(title_of(side, ZERO), plain))
            for system in (MULTITASK, PREFIX, HYPER):
                cells = self._seeded(side, system, self.zero_shot, "main")
                rows.append(Row(title_of(side, system), cells))
        for side in self.grid.sides[:1]:
            for system in (PREFIX, HYPER):
                cells = self._seeded(side, system, self.zero_shot, "cross-domain", CROSS_DOMAIN)
                rows.append(Row(f"{title_of(side, system)}, {frozen}", cells))
            reference = rows[-1].title
            rows = [
                Row(row.title, row.cells, "", () if row.title == reference else (reference,))
                for row in rows
            ]
        measure = self.grid.zero_shot_measures[0]
        return Layout("table2", "Table 2: zero-shot", self.zero_shot, measure, rows)

    def _ablations(self, name: str, title: str, measure: str) -> Layout:
        rows = []
        for side in self.grid.sides[:1]:
            rows.append(self._row(side, HYPER, self._seeded(side, HYPER, self.tasks, "main")))
            for system in ABLATIONS:
                cells = self._seeded(side, system, self.tasks, "ablations")
                rows.append(Row(system.title, cells, "", (title_of(side, HYPER),)))
        return Layout(name, title, self.tasks, measure, rows)

    def _few_shot(self, name: str, title: str, measure: str) -> Layout:
        few = self.grid.few_shot
        tasks = [task for task in self.tasks if few.tasks is None or task in few.tasks]
        seeds = self.grid.seeds_of("few-shot")
        rows = []
        for count in (0, *few.examples):
            for side in self.grid.sides[:1]:
                for system in (MULTITASK, PREFIX, HYPER):
                    cells = {
                        task: [
                            cell_name(
                                side,
                                system.name,
                                f"{count}-of-{task}" if count else f"without-{task}",
                                seed,
                            )
                            for seed in seeds
                        ]
                        for task in tasks
                    }
                    rows.append(self._row(side, system, cells, f"{count}"))
        return Layout(name, title, tasks, measure, rows, "examples")

    def _fine_tuned(self, name: str, title: str, measure: str) -> Layout:
        rows = []
        for side in self.grid.sides:
            cells = {
                task: [
                    cell_name(side, FINE_TUNED.name, task, seed)
                    for seed in self.grid.seeds_of("fine-tuned")
                ]
                for task in self.tasks
            }
            rows.append(self._row(side, FINE_TUNED, cells))
            for system in (MULTITASK, PREFIX, HYPER):
                rows.append(self._row(side, system, self._seeded(side, system, self.tasks, "main")))
        return Layout(name, title, self.tasks, measure, rows)

    def _sweeps(self, measure: str, tests: Sequence[str], on: str) -> Iterator[Layout]:
        sweep = self.grid.sweep
        for part, symbol, title, values in (
            ("prompts", "N", "prompts", sweep.prompts),
            ("cpr", "cpr", "weight of CPR", sweep.cpr),
            ("length", "m", "positions of a prompt", sweep.lengths),
            ("initialisation", "start", "initialisation", sweep.initialisations),
        ):
            if part not in self.grid.parts:
                continue
            rows = [
                Row(f"{symbol} = {value}", self._varied(part, f"{symbol}={value}", tests))
                for value in values
            ]
            yield Layout(f"{part}-{on}", f"{title} ({on})", tests, measure, rows)
        if "released" in self.grid.parts:
            rows = [
                Row(title, self._seeded(side, system, tests, part))
                for side in self.grid.sides[:1]
                for title, system, part in (
                    ("the paper's form", HYPER, "released"),
                    ("the released code's", RELEASED, "released"),
                )
            ]
            yield Layout(f"released-{on}", f"released code ({on})", tests, measure, rows)

    def _varied(self, part: str, variant: str, tests: Sequence[str]) -> Mapping[str, list[str]]:
        side = self.grid.sides[0]
        return self._seeded(side, HYPER, tests, part, variant)

    def _seeded(
        self, side: str, system: System, tests: Sequence[str], part: str, variant: str = ""
    ) -> dict[str, list[str]]:
        """The same cells, one a seed, for every test."""
        seeds = self.grid.seeds_of(part)
        names = [cell_name(side, system.name, variant, seed) for seed in seeds]
        return dict.fromkeys(tests, names)

    def _plain(
        self, side: str, system: System, tests: Sequence[str] | None = None
    ) -> dict[str, list[str]]:
        return {test: [cell_name(side, system.name)] for test in tests or self.tasks}

    def _row(
        self, side: str, system: System, cells: Mapping[str, Sequence[str]], group: str = ""
    ) -> Row:
        references = () if system is HYPER else (title_of(side, HYPER),)
        return Row(title_of(side, system), cells, group, references)

    def _hypers(self) -> tuple[str, ...]:
        """The rows of which BM25 is compared with the first that is there."""
        return tuple(title_of(side, HYPER) for side in self.grid.sides)
