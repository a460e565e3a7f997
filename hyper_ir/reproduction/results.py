"""What finished cells say: scores query by query, by the cells' names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hyper_ir.reproduction.store import CellFolder

Values = dict[str, float]
"""A value of every topic."""


class Results:
    """The scores of cells, read when they are asked for.

    Parameters
    ----------
    cells: the folder of all cells.
    keys: each cell's key by its name; several names may have one.
    wanted: what a test's scores are to follow from, by its name (None: not to be told); others,
        of fewer queries for example, do not count.
    without_key: how many cells have none, by the reason.

    Attributes
    ----------
    damaged: what is wrong with files that could not be taken, each in words.
    """

    def __init__(
        self,
        cells: Path,
        keys: Mapping[str, str],
        wanted: Callable[[str], dict[str, Any] | None] = lambda test: None,
        without_key: Mapping[str, int] | None = None,
    ) -> None:
        self.cells = cells
        self.keys = keys
        self.without_key = without_key or {}
        self.wanted = cache(wanted)
        self.damaged: list[str] = []
        self._read: dict[tuple[str, str], dict[str, Any]] = {}
        self._files: dict[str, dict[str, str] | None] = {}

    def folder(self, name: str) -> CellFolder | None:
        """The folder of a cell; None for a cell that the plan does not have."""
        key = self.keys.get(name)
        return None if key is None else CellFolder(self.cells, key)

    def object(self, name: str, file: str) -> dict[str, Any]:
        """A finished JSON file of a cell; empty where it is not there or damaged, which is told."""
        folder = self.folder(name)
        if folder is None or not self.files(name):
            return {}
        if (folder.key, file) not in self._read:
            self._read[folder.key, file] = self._object(folder, file)
        return self._read[folder.key, file]

    def _object(self, folder: CellFolder, file: str) -> dict[str, Any]:
        try:
            return folder.read(file) if folder.has(file) else {}
        except ValueError as error:
            self._tell(str(error))
            return {}

    def files(self, name: str) -> dict[str, str] | None:
        """The digests of a cell's finished files; None for a damaged folder, which is told.

        That is one whose list cannot be read, or that is another cell's.
        """
        folder = self.folder(name)
        if folder is None:
            return {}
        if folder.key not in self._files:
            self._files[folder.key] = self._listed(folder)
        return self._files[folder.key]

    def _listed(self, folder: CellFolder) -> dict[str, str] | None:
        try:
            files = folder.contents()
            if files:
                folder.require_own()
            return files
        except ValueError as error:
            self._tell(str(error))
            return None

    def _tell(self, error: str) -> None:
        if error not in self.damaged:
            self.damaged.append(error)
            print(f"warning: {error}", file=sys.stderr)

    def scores(self, name: str, test: str) -> dict[str, Any]:
        """A cell's scores of a test; empty where there are none of the very queries."""
        scores = self.object(name, f"scores/{test}.json")
        if not scores:
            return {}
        wanted = self.wanted(test)
        return scores if wanted is None or scores.get("settings") == wanted else {}

    def values(self, name: str, test: str, measure: str) -> Values | None:
        """The values of a cell's topics; None where it was not tested so."""
        values = self.scores(name, test).get("values", {})
        found: Values | None = values.get(measure)
        return found

    def over_seeds(self, names: Sequence[str], test: str, measure: str) -> list[Values]:
        """The values of each of several cells that are there."""
        return [
            values for name in names if (values := self.values(name, test, measure)) is not None
        ]


def mean_values(several: Sequence[Values]) -> Values:
    """Each topic's mean over models, of the topics that all have."""
    shared = set.intersection(*(set(values) for values in several))
    return {
        topic: sum(values[topic] for values in several) / len(several)
        for topic in several[0]
        if topic in shared
    }
