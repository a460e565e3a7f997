"""Ids on disk, memory-mapped: from an id to its place and back.

Four files in a folder hold it: the ids' text, where each begins, their 64-bit hashes in ascending
order, and the place of each hash. Looking up reads a few pages of them; what a process holds does
not grow with the number of ids.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hyper_ir.data.checks import shortened
from hyper_ir.training.array_file import ArrayFile, mapped

TEXTS = "ids.txt"
STARTS = "ids.starts.npy"
HASHES = "ids.hashes.npy"
PLACES = "ids.places.npy"
_UNSORTED = "ids.unsorted.npy"

SORTED_AT_ONCE = 1 << 22
"""Hashes sorted in memory together, about."""


def id_hash(id: str) -> int:
    """64 bits of BLAKE2b: the same in every process. Two ids may share it."""
    return int.from_bytes(hashlib.blake2b(_bytes(id), digest_size=8).digest(), "little")


def _bytes(id: str) -> bytes:
    return id.encode("utf-8", "surrogatepass")


class IdTableWriter:
    """Writes a table into a folder that is there; use it as a context manager.

    The ids' places are 0, 1, … in the order in which they come. The table is sorted when the block
    ends, which raises ValueError where an id came twice.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._starts = ArrayFile(folder / STARTS, np.int64)
        self._hashes = ArrayFile(folder / _UNSORTED, np.uint64)
        self._texts: BinaryIO | None = None
        self._end = 0

    def __enter__(self) -> IdTableWriter:
        self._texts = open(self.folder / TEXTS, "wb")
        self._starts.__enter__().append([0])
        self._hashes.__enter__()
        return self

    def extend(self, ids: Sequence[str]) -> None:
        """Add ids behind those that are there."""
        assert self._texts is not None
        # The line feeds are for readers of the file: where an id ends, the starts say.
        lines = [_bytes(id) + b"\n" for id in ids]
        self._texts.write(b"".join(lines))
        ends = self._end + np.cumsum([len(line) for line in lines], dtype=np.int64)
        self._starts.append(ends)
        self._hashes.append(np.array([id_hash(id) for id in ids], dtype=np.uint64))
        self._end += sum(map(len, lines))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._texts is not None
        with self._texts:
            self._texts.flush()
            os.fsync(self._texts.fileno())
        for array in (self._starts, self._hashes):
            array.__exit__(kind, error, traceback)
        if error is None:
            self._sort()

    def _sort(self) -> None:
        texts = _Texts(self.folder)
        with (
            ArrayFile(self.folder / HASHES, np.uint64) as hashes,
            ArrayFile(self.folder / PLACES, np.int64) as places,
        ):
            for some, where in _sorted_parts(mapped(self.folder / _UNSORTED)):
                _check_distinct(some, where, texts)
                hashes.append(some)
                places.append(where)
        (self.folder / _UNSORTED).unlink()


def _sorted_parts(hashes: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Hashes in ascending order and their places, one range of hashes after the other."""
    ranges = max(1, -(-len(hashes) // SORTED_AT_ONCE))
    for low, high in pairwise(number * 2**64 // ranges for number in range(ranges + 1)):
        parts, places = [], []
        for start in range(0, len(hashes), SORTED_AT_ONCE):
            part = hashes[start : start + SORTED_AT_ONCE]
            inside = np.flatnonzero((part >= np.uint64(low)) & (part <= np.uint64(high - 1)))
            parts.append(part[inside])
            places.append(start + inside)
        if parts:
            some, where = np.concatenate(parts), np.concatenate(places)
            order = np.argsort(some, kind="stable")
            yield some[order], where[order]


def _check_distinct(hashes: NDArray[Any], places: NDArray[Any], texts: _Texts) -> None:
    """Raise ValueError where two places have one id; sorted hashes, hence equal ones together."""
    same = hashes[1:] == hashes[:-1]
    shared = np.zeros(len(hashes), dtype=bool)
    shared[1:] |= same
    shared[:-1] |= same
    seen: dict[str, int] = {}
    for place in places[shared].tolist():
        id = texts[place]
        if id in seen:
            raise ValueError(
                f"id {shortened(id)} is that of records {seen[id] + 1:,} and {place + 1:,}; "
                "each may have an id only once"
            )
        seen[id] = place


class _Texts:
    """The ids by place."""

    def __init__(self, folder: Path) -> None:
        self._starts = mapped(folder / STARTS)
        self._texts = _mapped_bytes(folder / TEXTS)
        if not len(self._starts) or self._starts[-1] != len(self._texts):
            raise ValueError(f"{folder / TEXTS}: not as long as {STARTS} says: it is damaged")

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, place: int) -> str:
        text = self._texts[int(self._starts[place]) : int(self._starts[place + 1]) - 1]
        return text.decode("utf-8", "surrogatepass")


def _mapped_bytes(path: Path) -> mmap.mmap | bytes:
    try:
        with open(path, "rb") as handle:
            if not os.fstat(handle.fileno()).st_size:
                return b""  # nothing can be mapped
            return mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise ValueError(f"{path}: not readable ({error})") from error


class IdTable:
    """The table that :class:`IdTableWriter` wrote into a folder.

    Parameters
    ----------
    folder: where it lies.
    what: what has these ids, for messages: ``"passage"``.

    Raises ValueError where a file of it is missing or damaged.
    """

    def __init__(self, folder: Path, what: str = "record") -> None:
        self.folder = folder
        self.what = what
        self._texts = _Texts(folder)
        self._hashes = mapped(folder / HASHES)
        self._places = mapped(folder / PLACES)
        if not len(self._texts) == len(self._hashes) == len(self._places):
            raise ValueError(f"{folder}: its id table is damaged; remove the folder")

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self._find(id) is not None

    def __iter__(self) -> Iterator[str]:
        return (self._texts[place] for place in range(len(self)))

    def id(self, place: int) -> str:
        """The id at a place; ValueError where there is no such place."""
        if not 0 <= place < len(self):
            raise ValueError(f"{self.folder}: place {place} of {len(self):,} {self.what}s")
        return self._texts[place]

    def place(self, id: str) -> int:
        """The place of an id; ValueError where it is unknown."""
        place = self._find(id)
        if place is None:
            raise ValueError(f"{self.folder}: it holds no {self.what} {shortened(id)}")
        return place

    def places(self, ids: Iterable[str]) -> NDArray[np.int64]:
        """The place of each id, ``(n,)``; ValueError at the first that is unknown."""
        return np.array([self.place(id) for id in ids], dtype=np.int64)

    def _find(self, id: str) -> int | None:
        key = np.uint64(id_hash(id))
        at = int(np.searchsorted(self._hashes, key))
        while at < len(self._hashes) and self._hashes[at] == key:
            place = int(self._places[at])
            if self._texts[place] == id:
                return place
            at += 1
        return None
