"""A grid from settings to tables: what ``python -m hyper_ir.reproduce`` calls."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyper_ir.evaluation.rendering import markdown, print_tables
from hyper_ir.files import atomic_text, require_directory, require_writable_folder, write_json
from hyper_ir.outputs import require_own
from hyper_ir.reproduction.cells import Cell
from hyper_ir.reproduction.claims import Claims
from hyper_ir.reproduction.findings import findings
from hyper_ir.reproduction.findings import in_words as findings_in_words
from hyper_ir.reproduction.grid import Grid
from hyper_ir.reproduction.identity import Identities
from hyper_ir.reproduction.inputs import missing_inputs, require_measures
from hyper_ir.reproduction.layouts import Layouts
from hyper_ir.reproduction.plan import chosen, planned
from hyper_ir.reproduction.prepared import MADE, Prepared
from hyper_ir.reproduction.probe import probe
from hyper_ir.reproduction.recipes import recipes_of
from hyper_ir.reproduction.results import Results
from hyper_ir.reproduction.runner import Outcome, Runner, works_of
from hyper_ir.reproduction.store import read_object
from hyper_ir.reproduction.tables import Filled, as_json, drawn, filled, without_hits
from hyper_ir.reproduction.targets import targets_of
from hyper_ir.version import __version__
from hyper_ir.wording import counted

FOLDERS = ("cells", "claims", "prepared", "failures", "tables", "files")
"""What a grid's output consists of."""


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
        """Raise ValueError that names every input that is missing or broken.

        Likewise for an output that is something else, or cannot be written.
        """
        missing = missing_inputs(self.grid, self.cells)
        if missing:
            told = counted(len(missing), "input is", "inputs are")
            raise ValueError("\n  ".join([f"{told} missing or broken:", *missing]))
        self.require_output()

    def require_output(self) -> None:
        """Raise ValueError for an output that is something else, or cannot be written."""
        require_writable_folder(self.root, "output")
        require_own(self.root, FOLDERS, "a grid's folder")
        for name in FOLDERS:
            require_writable_folder(self.root / name, "output")

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
        prepared = self.shared()
        prepared.identities.examples = prepared.examples_made()
        return prepared

    def shared(self) -> Prepared:
        """The same without training examples, whose inputs need not be there."""
        folder = self.root / "prepared"
        return Prepared(self.grid, self.recipes, Identities(self.grid, None), folder, self.claims)

    def examples_made(self) -> list[str] | None:
        """Files of training examples, where they are there; None while they are not."""
        try:
            return self.prepared().examples_made()
        except ValueError:  # they are to be mined, and an input is missing
            return None

    def alike(self, cells: Sequence[Cell]) -> dict[str, str]:
        """A word for each cell that equal ones share, whatever the training examples are."""
        found, _ = _keyed(cells, Identities(self.grid, []))
        return {cell.name: found.get(cell.name, cell.name) for cell in cells}

    def keys(self, cells: Sequence[Cell]) -> dict[str, str]:
        """Each cell's key by its name, as far as it can be told without preparing anything."""
        return _keyed(cells, self._identities())[0]

    def _identities(self) -> Identities:
        """Those with the examples that are made; where an input of them is missing, without."""
        try:
            return self.prepared().identities
        except ValueError as error:
            return Identities(self.grid, None, str(error))

    def results(self, cells: Sequence[Cell]) -> Results:
        """What is there of these cells."""
        targets = targets_of(self.grid)

        def wanted(test: str) -> dict[str, Any] | None:
            try:
                return targets[test].settings(*targets[test].read())
            except (ValueError, OSError):  # tables of carried cells need no queries
                return None

        keys, without = _keyed(cells, self._identities())
        return Results(self.root / "cells", keys, wanted, without)

    def tables(self) -> tuple[dict[str, Filled], Results]:
        """Every table with two rows to compare, from the cells that are there.

        Tables of one row where there are no others.
        """
        results = self.results(self.all_cells)
        return self._compared(self.all_cells, results)[0], results

    def _compared(
        self, cells: Sequence[Cell], results: Results
    ) -> tuple[dict[str, Filled], list[str]]:
        """The tables of these cells that are shown, and the names of those that are not."""
        layouts = Layouts(self.grid, [cell.name for cell in cells]).all()
        tables = {layout.name: filled(layout, results) for layout in layouts}
        rows = {name: sum(map(bool, each.figures.values())) for name, each in tables.items()}
        least = 2 if max(rows.values(), default=0) > 1 else 1
        left_out = [name for name in tables if 0 < rows[name] < least]
        return {name: tables[name] for name in tables if rows[name] >= least}, left_out

    def print_tables(self, chosen: bool = False) -> list[str]:
        """Print the tables, write them into ``tables/``; return what is wrong with cells.

        With ``chosen``, those of the cells that are asked for are printed, and nothing is written.
        Raises ValueError for a grid that is not there, and for measures that are none.
        """
        require_directory(self.root, "output")
        require_measures(self.grid)
        cells = self.cells if chosen else self.all_cells
        results = self.results(cells)
        tables, left_out = self._compared(cells, results)
        for reason, count in results.without_key.items():
            print(f"not looked for, {counted(count, 'cell')}: {reason}", file=sys.stderr)
        if left_out:
            print(f"left out, with one row only: {', '.join(left_out)}", file=sys.stderr)
        if not tables:
            print(f"{self.root}: none of these cells is finished yet", file=sys.stderr)
            return results.damaged
        print_tables([drawn(table) for table in tables.values()])
        if blank := without_hits(tables.values()):
            print(
                f"warning: no row finds anything that is judged for {', '.join(blank)}: were other "
                "documents judged than those of its collection?",
                file=sys.stderr,
            )
        names = [cell.name for cell in cells]
        found = findings(self.grid, tables, results, names, self._preparation())
        lines = findings_in_words(found)
        print("\n".join(lines))
        if not chosen:
            self._write_tables(tables, results, found, lines)
        return results.damaged

    def _write_tables(
        self,
        tables: dict[str, Filled],
        results: Results,
        found: dict[str, Any],
        lines: Sequence[str],
    ) -> None:
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

    def _preparation(self) -> dict[str, float]:
        """The seconds that each shared part took."""
        paths = sorted((self.root / "prepared").glob(f"*/{MADE}"))
        return {path.parent.name: float(read_object(path)["seconds"]) for path in paths}


def _keyed(cells: Sequence[Cell], identities: Identities) -> tuple[dict[str, str], dict[str, int]]:
    """The cells' keys, and by each reason for which cells have none how many those are."""
    found: dict[str, str] = {}
    without: Counter[str] = Counter()
    for cell in cells:
        try:
            found[cell.name] = identities.key(cell)
        except (ValueError, OSError) as error:
            without[str(error)] += 1
    return found, dict(without)
