"""The cells worked off: nothing twice, failures told and gone past, shared by many processes."""

from __future__ import annotations

import contextlib
import gc
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hyper_ir.command import error_in_words
from hyper_ir.files import write_json
from hyper_ir.reproduction import attention
from hyper_ir.reproduction.cells import Cell
from hyper_ir.reproduction.claims import Claims
from hyper_ir.reproduction.cost import in_words
from hyper_ir.reproduction.identity import Identities
from hyper_ir.reproduction.prepared import Prepared
from hyper_ir.reproduction.scoring import Scoring
from hyper_ir.reproduction.store import MODEL, TRAINING, CellFolder
from hyper_ir.reproduction.targets import targets_of
from hyper_ir.reproduction.training import train_cell

ATTENTION = "attention.json"
OUTPUT = "output.txt"


@dataclass
class Outcome:
    """What became of the cells, by name.

    Attributes
    ----------
    done: finished, now or before.
    failed: with their errors.
    elsewhere: under work by another process when this one had nothing left to do.
    """

    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    elsewhere: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Work:
    """One training and its tests.

    Attributes
    ----------
    names: all that the plan has for it.
    start: the key of the cell that it goes on from; empty for none.
    followers: the cells that go on from it.
    """

    key: str
    cell: Cell
    names: list[str]
    start: str = ""
    followers: list[Cell] = field(default_factory=list)


def works_of(cells: Sequence[Cell], identities: Identities) -> list[Work]:
    """The cells by key: equal ones become one, with the tests of all."""
    works: dict[str, Work] = {}
    for cell in cells:
        key = identities.key(cell)
        work = works.get(key)
        if work is None:
            start = "" if cell.start is None else identities.key(cell.start)
            works[key] = Work(key, cell, [cell.name], start)
            continue
        tests = tuple(dict.fromkeys((*work.cell.tests, *cell.tests)))
        one = replace(work.cell, tests=tests, kept=work.cell.kept or cell.kept)
        names = list(dict.fromkeys([*work.names, cell.name]))
        works[key] = replace(work, cell=one, names=names)
    for work in works.values():
        if work.start in works:
            works[work.start].followers.append(work.cell)
    return list(works.values())


class Runner:
    """Works cells off.

    Parameters
    ----------
    prepared: what they share.
    root: the grid's folder.
    wait: whether cells that other processes work on are waited for.
    loud: whether training's own output is shown; it is kept in the cell's folder otherwise.
    """

    def __init__(
        self,
        prepared: Prepared,
        root: Path,
        claims: Claims,
        *,
        wait: bool = True,
        loud: bool = False,
    ) -> None:
        self.prepared = prepared
        self.root = root
        self.cells = root / "cells"
        self.claims = claims
        self.wait = wait
        self.loud = loud
        self.scoring = Scoring(prepared, targets_of(prepared.grid))

    def run(self, works: Sequence[Work]) -> Outcome:
        """Work off what is not done; each failure is written down and told, and others go on."""
        outcome = Outcome()
        left = list(works)
        total = len(left)
        while left:
            unsettled = {work.key for work in left}
            waiting: list[Work] = []
            for work in left:
                if work.start in unsettled or not self._settle(work, outcome, total):
                    waiting.append(work)
                else:
                    unsettled.discard(work.key)
            if len(waiting) == len(left):
                if not self.wait:
                    outcome.elsewhere += [work.cell.name for work in waiting]
                    break
                time.sleep(self.claims.poll)
            left = waiting
        return outcome

    def _settle(self, work: Work, outcome: Outcome, total: int) -> bool:
        """Whether nothing is left to do about this cell: it is done, or has failed."""
        cell, folder = work.cell, CellFolder(self.cells, work.key)
        with self.claims.held(work.key) as mine:
            if not mine:
                return False
            began = time.perf_counter()
            try:
                told = self._carry_out(work, folder)
            except Exception as error:  # whatever it is, the other cells are not to suffer
                self._failed(work, error)
                outcome.failed[cell.name] = error_in_words(error)
                print(f"{cell.name}: failed: {outcome.failed[cell.name]}", file=sys.stderr)
                return True
            finally:
                gc.collect()
        outcome.done.append(cell.name)
        self._failure(work.key).unlink(missing_ok=True)
        if told:
            number = len(outcome.done) + len(outcome.failed)
            spent = in_words(time.perf_counter() - began)
            print(f"[{number}/{total}] {cell.name}: {', '.join(told)} in {spent}", flush=True)
        return True

    def _carry_out(self, work: Work, folder: CellFolder) -> list[str]:
        """Do what is missing of a cell; return it in words."""
        cell = work.cell
        folder.open(self.prepared.identities.of(cell), cell.name)
        told: list[str] = []
        missing = self.scoring.missing(cell, folder)
        if cell.trained and not folder.has(MODEL) and (missing or self._is_awaited(work)):
            start = None if cell.start is None else self._model_of(cell.start)
            with self._heard(folder):
                train_cell(cell, folder, self.prepared, start, self._mine(work))
            steps = folder.read(TRAINING)["steps"]
            told.append(f"{steps:,} steps trained")
        if missing:
            folder.forget(ATTENTION)
            with self._heard(folder):
                self.scoring.score(cell, folder, self._model(cell, folder))
            told.append(f"{len(missing)} tests")
        if not folder.has(ATTENTION):
            tasks = self.prepared.grid.data.tasks
            found = attention.summary(folder.path / "attention", tasks)
            if found is not None:
                write_json(folder.path / ATTENTION, found)
                folder.finish([folder.path / ATTENTION])
        if folder.has(MODEL):  # killed at the last moment, training left its own folder
            shutil.rmtree(folder.work, ignore_errors=True)
        kept = cell.kept or bool(work.followers) or self.prepared.grid.keep == "all"
        if folder.has(MODEL) and not kept:
            folder.forget(MODEL)
        return told

    def _mine(self, work: Work) -> Callable[[], None]:
        return lambda: self.claims.require_mine(work.key)

    def _is_awaited(self, work: Work) -> bool:
        """Whether a cell that goes on from this one is not done."""
        for cell in work.followers:
            folder = CellFolder(self.cells, self.prepared.identities.key(cell))
            with contextlib.suppress(ValueError):  # a damaged one is not to be waited for
                if self.scoring.missing(cell, folder):
                    return True
        return False

    def _model(self, cell: Cell, folder: CellFolder) -> str | None:
        if cell.recipe is None:
            return None
        return str(folder.model) if cell.trained else cell.recipe.model

    def _model_of(self, start: Cell) -> Path:
        """The model that a cell goes on from; ValueError where it is not there."""
        folder = CellFolder(self.cells, self.prepared.identities.key(start))
        if not folder.has(MODEL):
            raise ValueError(f"it goes on from {start.name}, which has no model: see why it failed")
        folder.check()
        return folder.model

    @contextlib.contextmanager
    def _heard(self, folder: CellFolder) -> Iterator[None]:
        """What is printed meanwhile goes to a file of the cell, unless all is to be shown."""
        if self.loud:
            yield
            return
        with (
            open(folder.path / OUTPUT, "a", encoding="utf-8") as handle,
            contextlib.redirect_stdout(handle),
            contextlib.redirect_stderr(handle),
        ):
            yield

    def _failure(self, key: str) -> Path:
        return self.root / "failures" / f"{key}.json"

    def _failed(self, work: Work, error: Exception) -> None:
        value: dict[str, Any] = {
            "names": work.names,
            "error": f"{type(error).__name__}: {error}",
            "traceback": traceback.format_exc(),
            "when": time.strftime("%Y-%m-%d %H:%M:%S"),
        }
        write_json(self._failure(work.key), value)
