"""How the examples of several tasks are mixed: which are drawn in an epoch, in which order.

Every number here follows from the seed and the epoch alone, through bit streams that NumPy
guarantees not to change, so that a run can be continued from two integers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


class TaskMixture:
    """Draws from tasks of different sizes.

    A task counts as ``min(its size, its cap)`` examples. A draw comes from task k with
    probability in proportion to ``count_k ** temperature``: 1 is proportional to size, 0 uniform
    over tasks. Each task goes through its examples in a shuffled order, all of them before any
    comes again, then in another order; where an epoch stops, the next goes on. A cap thus lowers
    how often a task is drawn, and over several epochs all its examples have their turn.

    In each epoch a task gets its expected number of draws, rounded up or down by chance such that
    the expectation is exact.

    Parameters
    ----------
    members: each task's examples, by the task's name: any integers.
    temperature: from 0 to 1.
    caps: the greatest count of a task, by name or one for all.
    seed: from 0.
    """

    def __init__(
        self,
        members: Mapping[str, Integers],
        temperature: float = 1.0,
        caps: Mapping[str, int] | int | None = None,
        seed: int = 0,
    ) -> None:
        _check(members, temperature, caps, seed)
        self.members = dict(members)
        self.seed = seed
        limit = caps if isinstance(caps, int) else None
        named = caps if isinstance(caps, Mapping) else {}
        self.counts = {
            task: min(len(own), named.get(task, limit if limit is not None else len(own)))
            for task, own in members.items()
        }
        powers = np.array([float(count) ** temperature for count in self.counts.values()])
        self.shares = dict(zip(self.counts, powers / powers.sum(), strict=True))
        self._known: tuple[int, int, Integers] | None = None

    @property
    def size(self) -> int:
        """The sum of the tasks' counts."""
        return sum(self.counts.values())

    def draws_by_task(self, draws: int, epoch: int) -> Integers:
        """How many of an epoch's draws each task gets, in the order of ``members``."""
        ends = np.cumsum(list(self.shares.values())) * draws
        ends[-1] = draws
        whole = np.rint(ends)
        ends = np.where(np.abs(ends - whole) < 1e-6, whole, ends)
        # Systematic rounding: one random offset for all ends keeps the sum and each expectation.
        offset = float(_random(1, self.seed, epoch, "rounding")[0]) / 2**64
        ends = np.floor(ends + offset).astype(np.int64)
        counts: Integers = ends - np.concatenate([[0], ends[:-1]])
        return counts

    def epoch(self, draws: int, epoch: int) -> Integers:
        """The examples of an epoch in their order, ``(draws,)``, where all epochs have as many."""
        before = self._drawn_before(draws, epoch)
        counts = self.draws_by_task(draws, epoch)
        task_of_draw = np.repeat(np.arange(len(counts)), counts)
        task_of_draw = task_of_draw[_shuffled(draws, self.seed, epoch, "order")]
        drawn = np.empty(draws, dtype=np.int64)
        for number, (task, own) in enumerate(self.members.items()):
            drawn[task_of_draw == number] = own[
                self._stream(task, len(own), int(before[number]), int(counts[number]))
            ]
        return drawn

    def _drawn_before(self, draws: int, epoch: int) -> Integers:
        """How many draws each task had in all earlier epochs."""
        known = self._known
        if known is None or known[0] != draws or known[1] > epoch:
            known = (draws, 0, np.zeros(len(self.members), dtype=np.int64))
        counts = known[2]
        for earlier in range(known[1], epoch):
            counts = counts + self.draws_by_task(draws, earlier)
        self._known = (draws, epoch, counts)
        return counts

    def _stream(self, task: str, size: int, start: int, count: int) -> Integers:
        """Places ``start`` … of a task's endless stream of shuffled passes over its examples."""
        first, last = start // size, (start + count - 1) // size
        passes = [
            _shuffled(size, self.seed, number, f"pass of {task}")
            for number in range(first, last + 1)
        ]
        begin = start - first * size
        return np.concatenate([np.empty(0, dtype=np.int64), *passes])[begin : begin + count]


def _random(count: int, seed: int, number: int, name: str) -> NDArray[np.uint64]:
    """``count`` random 64-bit integers that belong to this seed, number and name."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    key = [seed, number, int.from_bytes(digest, "little")]
    bits: NDArray[np.uint64] = np.random.PCG64(np.random.SeedSequence(key)).random_raw(count)
    return bits


def _shuffled(count: int, seed: int, number: int, name: str) -> Integers:
    """A random order of 0 … count − 1."""
    return np.argsort(_random(count, seed, number, name), kind="stable")


def _check(
    members: Mapping[str, Integers],
    temperature: float,
    caps: Mapping[str, int] | int | None,
    seed: int,
) -> None:
    empty = [task for task, own in members.items() if not len(own)]
    if not members or empty:
        raise ValueError(f"tasks without examples: {', '.join(empty) or 'there is no task'}")
    if not 0 <= temperature <= 1:
        raise ValueError(f"temperature: {temperature} is not between 0 and 1")
    if seed < 0:
        raise ValueError(f"seed: {seed} is negative")
    unknown = sorted(set(caps) - set(members)) if isinstance(caps, Mapping) else []
    if unknown:
        raise ValueError(
            f"caps: no task {', '.join(unknown)}; there are {', '.join(sorted(members))}"
        )
    values = [caps] if isinstance(caps, int) else list((caps or {}).values())
    if any(value < 1 for value in values):
        raise ValueError(f"caps: {min(values)} examples; at least 1 is needed")
