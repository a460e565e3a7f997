"""A grid from settings to tables: what ``python -m hyper_ir.reproduce`` calls."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyper_ir.evaluation.rendering import markdown, print_tables
from hyper_ir.evaluation.tables import Cell as Text
from hyper_ir.evaluation.tables import Table
from hyper_ir.files import atomic_text, require_writable_folder, write_json
from hyper_ir.reproduction import cost
from hyper_ir.reproduction.cells import Cell
from hyper_ir.reproduction.claims import Claims
from hyper_ir.reproduction.findings import findings
from hyper_ir.reproduction.findings import in_words as findings_in_words
from hyper_ir.reproduction.grid import Grid
from hyper_ir.reproduction.identity import Identities
from hyper_ir.reproduction.inputs import missing_inputs
from hyper_ir.reproduction.layouts import Layouts
from hyper_ir.reproduction.plan import chosen, planned
from hyper_ir.reproduction.prepared import MADE, Prepared
from hyper_ir.reproduction.probe import probe, read_probe
from hyper_ir.reproduction.recipes import recipes_of
from hyper_ir.reproduction.results import Results
from hyper_ir.reproduction.runner import Outcome, Runner, works_of
from hyper_ir.reproduction.store import MODEL, read_object
from hyper_ir.reproduction.tables import Filled, as_json, drawn, filled
from hyper_ir.reproduction.targets import targets_of
from hyper_ir.version import __version__
from hyper_ir.wording import counted

UNKNOWN = "?"


class Reproduction:
    """A grid, or the part of it that is asked for.

    Parameters
    ----------
    only: names of tables, parts or cells; see :func:`~hyper_ir.reproduction.plan.chosen`.

    Attributes
    ----------
    all_cells: of the whole grid.
    cells: those asked for, and what they start from.

    Raises ValueError for a recipe that is none, and for names that name nothing.
    """

    def __init__(self, grid: Grid, only: Sequence[str] = ()) -> None:
        self.grid = grid
        self.root = Path(grid.output)
        self.recipes = recipes_of(grid)
        self.all_cells = planned(grid, self.recipes)
        self.cells = chosen(self.all_cells, only)
        self.claims = Claims(self.root / "claims")

    def listed(self) -> list[str]:
        """The cells' names."""
        return [cell.name for cell in self.cells]

    def check(self) -> None:
        """Raise ValueError that names every input that is missing."""
        missing = missing_inputs(self.grid, self.cells)
        if missing:
            raise ValueError("\n  ".join([f"{len(missing)} inputs are missing:", *missing]))
        require_writable_folder(self.root, "output")

    def run(self, wait: bool = True, loud: bool = False) -> Outcome:
        """Work the cells off; see :class:`~hyper_ir.reproduction.runner.Runner`."""
        prepared = self.prepared()
        if any(cell.trained for cell in self.cells):
            prepared.identities.examples = prepared.examples()
        works = works_of(self.cells, prepared.identities)
        return Runner(prepared, self.root, self.claims, wait=wait, loud=loud).run(works)

    def probe(self) -> None:
        """Time a few steps of each kind of cell, for the estimates of a dry run."""
        prepared = self.prepared()
        prepared.identities.examples = prepared.examples()
        with contextlib.redirect_stdout(sys.stderr):  # training's own lines
            found = probe(self.cells, prepared, self.root)
        for kind, seconds in found.items():
            print(f"{kind}: {seconds:.2f} s a step")

    def prepared(self) -> Prepared:
        """What the cells share, as far as it is made."""
        identities = Identities(self.grid, None)
        prepared = Prepared(
            self.grid, self.recipes, identities, self.root / "prepared", self.claims
        )
        identities.examples = prepared.examples_made()
        return prepared

    def _has_examples(self) -> bool:
        try:
            return self.prepared().examples_made() is not None
        except ValueError:  # they are to be mined, and an input is missing
            return False

    def keys(self, cells: Sequence[Cell]) -> dict[str, str]:
        """Each cell's key by its name, as far as it can be told without preparing anything."""
        found: dict[str, str] = {}
        try:
            identities = self.prepared().identities
        except ValueError:  # an input is missing; what does not need it has a key
            identities = Identities(self.grid, None)
        for cell in cells:
            try:
                found[cell.name] = identities.key(cell)
            except (ValueError, OSError):
                continue
        return found

    def results(self, cells: Sequence[Cell]) -> Results:
        """What is there of these cells."""
        targets = targets_of(self.grid)

        def wanted(test: str) -> dict[str, Any] | None:
            try:
                return targets[test].settings(*targets[test].read())
            except (ValueError, OSError):  # tables of carried cells need no queries
                return None

        return Results(self.root / "cells", self.keys(cells), wanted)

    def tables(self) -> tuple[dict[str, Filled], Results]:
        """Every table with two rows to compare, from the cells that are there.

        Tables of one row where there are no others.
        """
        results = self.results(self.all_cells)
        planned = [cell.name for cell in self.all_cells]
        layouts = Layouts(self.grid, planned).all()
        tables = {layout.name: filled(layout, results) for layout in layouts}
        rows = {name: sum(map(bool, each.figures.values())) for name, each in tables.items()}
        least = 2 if max(rows.values(), default=0) > 1 else 1
        return {name: tables[name] for name in tables if rows[name] >= least}, results

    def print_tables(self) -> list[str]:
        """Print the tables, write them into ``tables/``; return what is wrong with cells."""
        tables, results = self.tables()
        if not tables:
            print(f"{self.root}: no cell is finished yet", file=sys.stderr)
            return results.damaged
        print_tables([drawn(table) for table in tables.values()])
        names = [cell.name for cell in self.all_cells]
        found = findings(self.grid, tables, results, names, self._preparation())
        lines = findings_in_words(found)
        print("\n".join(lines))
        folder = self.root / "tables"
        with atomic_text(folder / "tables.md") as handle:
            handle.write(markdown([drawn(table) for table in tables.values()]))
            handle.write("\n" + "\n".join(f"- {line}" for line in lines) + "\n")
        value = {
            "hyper_ir": __version__,
            "tables": {name: as_json(table) for name, table in tables.items()},
            "findings": found,
            "cells": dict(results.keys),
        }
        write_json(folder / "tables.json", value)
        print(f"\n{folder}: tables.md, tables.json")
        return results.damaged

    def _preparation(self) -> dict[str, float]:
        """The seconds that each shared part took."""
        paths = sorted((self.root / "prepared").glob(f"*/{MADE}"))
        return {path.parent.name: float(read_object(path)["seconds"]) for path in paths}

    def dry_run(self) -> list[str]:
        """Print the plan, what it takes, and all inputs that are missing, which it returns."""
        results = self.results(self.cells)
        keys = results.keys
        rates = cost.rates(self.grid, self.cells, results, read_probe(self.root))
        seen: set[str] = set()
        rows: list[list[Text]] = []
        spent, steps, trainings = 0.0, 0, 0
        for cell in self.cells:
            key = keys.get(cell.name, UNKNOWN)
            state = self._state(cell, key, results, seen)
            seconds = 0.0
            if state not in ("done", "the same as above"):
                seconds = cost.seconds_of(cell, self.grid, rates)
                spent += seconds
                steps += cost.steps_of(cell, self.grid)
                trainings += cell.trained
            seen.add(key)
            start = "" if cell.start is None else cell.start.name
            words = [cell.name, cell.part, start, key[:8], state]
            numbers = [
                f"{cost.steps_of(cell, self.grid):,}",
                f"{len(cell.tests)}",
                cost.in_words(seconds) if seconds else "",
            ]
            rows.append([Text(word) for word in (*words, *numbers)])
        header = ["cell", "part", "goes on from", "key", "state", "steps", "tests", "takes"]
        print_tables([Table(f"{len(rows)} cells", header, rows, words=5)])
        for line in self._total(spent, steps, trainings, rates):
            print(line)
        missing = missing_inputs(self.grid, self.cells)
        for line in missing:
            print(f"missing: {line}")
        return missing

    def _state(self, cell: Cell, key: str, results: Results, seen: set[str]) -> str:
        if key == UNKNOWN:
            return UNKNOWN
        if key in seen:
            return "the same as above"
        folder = results.folder(cell.name)
        assert folder is not None
        if self.claims.holder(key) is not None:
            return "under work"
        files = folder.contents() if folder.path.is_dir() else {}
        left = [test for test in cell.tests if not results.scores(cell.name, test)]
        if not left:
            return "done"
        if (self.root / "failures" / f"{key}.json").exists():
            return "failed before"
        if folder.work.is_dir():
            return "begun"
        if not files:
            return "to do"
        again = ", trained again" if cell.trained and not folder.has(MODEL) else ""
        return f"{counted(len(left), 'test')} left{again}"

    def _total(self, spent: float, steps: int, trainings: int, rates: cost.Rates) -> list[str]:
        grid, reckoned = self.grid, self.grid.cost
        prepared = cost.preparation_seconds(self.cells, grid, rates)
        if trainings and not self._has_examples():
            prepared += cost.mining_seconds(grid, rates)
        devices = "GPU" if grid.device == "cuda" else "machine"
        lines = [
            f"{trainings} training runs left, {steps:,} steps",
            f"estimate: {cost.in_words(spent)} of one {devices} for the cells, "
            f"{cost.in_words(prepared)} for what they share",
            f"estimate: {cost.disk_bytes(self.cells, grid) / cost.GIB:,.0f} GiB of disk for "
            "vectors and indexes, models besides",
        ]
        if rates.sources:
            lines.append(f"from: {'; '.join(rates.sources)}")
        if reckoned.memory:
            lines.append(f"memory: {reckoned.memory}")
        return [*lines, *(f"input: {line}" for line in reckoned.inputs)]
