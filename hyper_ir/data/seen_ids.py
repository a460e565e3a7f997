"""Duplicate ids of a stream, found in a few bytes an id."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable

_MASK = (1 << 64) - 1
_SMALLEST = 1 << 10


class SeenIds:
    """A set of 64-bit hashes of ids in an open-addressed table.

    Memory: 8 bytes a slot, between 3/8 and 3/4 of the slots in use, hence 11 to 21 bytes an id
    (537 MB for 36 million), half as much again while the table doubles. A Python set of the
    strings takes over 100 bytes an id.

    Ids that differ may share a hash: with n ids, some pair does with probability n²/2⁶⁵
    (4·10⁻⁵ for 36 million). ``Duplicates`` tells them apart.
    """

    def __init__(self) -> None:
        self._slots = _empty(_SMALLEST)
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def add(self, id: str) -> bool:
        """Add an id; False where the id, or one with the same hash, was there before."""
        key = (hash(id) & _MASK) or 1  # 0 marks a free slot
        if not _insert(self._slots, key):
            return False
        self._used += 1
        if self._used * 4 > len(self._slots) * 3:
            self._grow()
        return True

    def _grow(self) -> None:
        larger = _empty(2 * len(self._slots))
        for key in self._slots:
            if key:
                _insert(larger, key)
        self._slots = larger


class Duplicates:
    """Finds ids that a stream had before, and where.

    When a hash comes again, the stream is read once more up to there: this gives the place where
    the id stood first, and tells two ids with one hash from a duplicate. So that a stream full of
    duplicates is not read over and over, this happens ``lookups`` times; after that a hash
    that comes again counts as a duplicate.

    ``reread`` opens the stream afresh and yields ``(id, place)`` in the same order.
    """

    def __init__(self, reread: Callable[[], Iterable[tuple[str, str]]], lookups: int = 20) -> None:
        self._reread = reread
        self._lookups = lookups
        self._seen = SeenIds()

    def __len__(self) -> int:
        return len(self._seen)

    def place_before(self, id: str, where: str) -> str | None:
        """Note the id that stands at ``where``; return where it stood before, None for nowhere."""
        if self._seen.add(id):
            return None
        if not self._lookups:
            return "an earlier record"
        self._lookups -= 1
        for other, place in self._reread():
            if place == where:
                break
            if other == id:
                return place
        return None


def _empty(slots: int) -> array[int]:
    return array("Q", bytes(8 * slots))


def _insert(slots: array[int], key: int) -> bool:
    """Put the key into its slot by linear probing; False where it is there already."""
    mask = len(slots) - 1
    at = key & mask
    while (found := slots[at]) != 0:
        if found == key:
            return False
        at = (at + 1) & mask
    slots[at] = key
    return True
