"""What the stores on disk have in common: records that are found by their ids."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

from hyper_ir.training.id_table import IdTable
from hyper_ir.training.made_folder import read_settings


class MappedStore(ABC):
    """Records in a folder, memory-mapped.

    Nothing of it is in memory but what was read last. It can be handed to forked and spawned
    processes, which open the folder themselves.

    Parameters
    ----------
    folder: where the subclass's ``build`` put it.

    Attributes
    ----------
    kind: of folder, as its settings name it.
    record, records: what has these ids, for messages and in the folder's counts.

    Raises ValueError where the folder is no such store or is damaged.
    """

    kind: ClassVar[str]
    record: ClassVar[str]
    records: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        settings = read_settings(folder, self.kind)
        self.folder = folder.absolute()
        self._ids = IdTable(folder, self.record)
        fits = self._opened(folder, settings["made_of"])
        if not fits or settings["counts"][self.records] != len(self):
            raise ValueError(f"{folder}: its files do not fit each other; remove the folder")

    @abstractmethod
    def _opened(self, folder: Path, made_of: dict[str, Any]) -> bool:
        """Map the subclass's own files; whether they are as long as the ids say."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The store in a folder; see the class."""
        return cls(folder)

    def __reduce__(self) -> tuple[type[Self], tuple[Path]]:
        return type(self), (self.folder,)

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, id: object) -> bool:
        return id in self._ids

    def place(self, id: str) -> int:
        """Where a record stands among all, from 0; ValueError for an unknown id."""
        return self._ids.place(id)
