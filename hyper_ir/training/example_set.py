"""The examples a run trains on: several files, some tasks of them, perhaps a few of each."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import overload

import numpy as np

from hyper_ir.data.examples import ExampleFile, TrainingExample


class ExampleSet(Sequence[TrainingExample]):
    """Examples of several files, each read from its place when it is asked for.

    Parameters
    ----------
    paths: files of ``python -m hyper_ir.mine``.
    tasks: keep these tasks alone; None keeps all.
    leave_out: tasks that are not kept.
    per_task: keep so many examples of a task, drawn by the seed; None keeps all.

    Attributes
    ----------
    tasks: names of the tasks kept, sorted.

    Raises
    ------
    ValueError
        When a file is missing or bad, a task named is in none of them, or nothing is left.
    """

    def __init__(
        self,
        paths: Sequence[str],
        tasks: Sequence[str] | None = None,
        leave_out: Sequence[str] = (),
        per_task: int | None = None,
        seed: int = 0,
    ) -> None:
        self.files = [ExampleFile(path) for path in paths]
        self._ends = list(accumulate(len(file) for file in self.files))
        known = sorted({task for file in self.files for task in file.tasks})
        for task in (*(tasks or ()), *leave_out):
            if task not in known:
                raise ValueError(
                    f"task {task!r} is in none of the examples; there are {', '.join(known)}"
                )
        wanted = [t for t in known if (tasks is None or t in tasks) and t not in leave_out]
        self._places = array("q", self._chosen(set(wanted), per_task, seed))
        if not self._places:
            raise ValueError("no example is left: every task was left out")
        self.tasks = wanted

    def _chosen(self, wanted: set[str], per_task: int | None, seed: int) -> Iterator[int]:
        """Places among all files' examples, ascending."""
        names = [task for file in self.files for task in file.tasks_of_all()]
        if per_task is None:
            yield from (place for place, task in enumerate(names) if task in wanted)
            return
        if per_task < 1:
            raise ValueError(f"per_task: {per_task} is not a positive number")
        kept: list[int] = []
        for task in sorted(wanted):
            members = [place for place, name in enumerate(names) if name == task]
            # By each example's own hash: of two sizes, the smaller is a part of the larger.
            members.sort(key=lambda place, task=task: _draw(seed, task, place))  # type: ignore[misc]
            kept += members[:per_task]
        yield from sorted(kept)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> TrainingExample: ...

    @overload
    def __getitem__(self, index: slice) -> list[TrainingExample]: ...

    def __getitem__(self, index: int | slice) -> TrainingExample | list[TrainingExample]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        file, place = self._located(index)
        return file[place]

    def task_of(self, index: int) -> str:
        """An example's task, without reading its file."""
        file, place = self._located(index)
        return file.task_of(place)

    def tasks_of_all(self) -> list[str]:
        """Each example's task, in order."""
        return [self.task_of(index) for index in range(len(self))]

    def sizes(self) -> dict[str, int]:
        """How many examples each task has."""
        counts = Counter(self.tasks_of_all())
        return {task: counts[task] for task in self.tasks}

    def _located(self, index: int) -> tuple[ExampleFile, int]:
        place = self._places[index]
        number = bisect_right(self._ends, place)
        return self.files[number], place - (self._ends[number - 1] if number else 0)


def documents_of(sets: Sequence[Sequence[TrainingExample]], candidates: int | None) -> set[str]:
    """Ids of all positives, and of the first ``candidates`` negatives (None: all), of the sets."""
    wanted: set[str] = set()
    for examples in sets:
        for example in examples:
            wanted.update(example.positive_ids)
            wanted.update(example.negative_ids[:candidates])
    return wanted


def sample_of(examples: ExampleSet, per_task: int, seed: int) -> list[TrainingExample]:
    """At most so many examples of each task, drawn by the seed, tasks in turn."""
    names = examples.tasks_of_all()
    chosen: list[int] = []
    for task in examples.tasks:
        members = [place for place, name in enumerate(names) if name == task]
        members.sort(key=lambda place, task=task: _draw(seed, task, place))  # type: ignore[misc]
        chosen += members[:per_task]
    return [examples[place] for place in chosen]


def _draw(seed: int, task: str, place: int) -> bytes:
    """A random key that belongs to this seed and example."""
    return hashlib.blake2b(f"{seed} {task} {place}".encode(), digest_size=8).digest()


def generator(seed: int, *numbers: int) -> np.random.Generator:
    """Random numbers that belong to these numbers alone."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *numbers])))
