"""Training examples: a query, its task, and the ids of its positives and negatives, as JSONL.

One line::

    {"id": "q7", "query": "who wrote …", "task": "nq", "positive_ids": ["12#3"], "negative_ids": []}

Documents stand there by id, never by text. A file is read from place to place, so that millions
of examples with a hundred negatives each cost 16 bytes an example in memory.
"""

from __future__ import annotations

import json
import os
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, overload

from hyper_ir.bounded import LONGEST_LINE, is_gzip
from hyper_ir.data.checks import checked_id, checked_text, shortened
from hyper_ir.data.seen_ids import Duplicates
from hyper_ir.files import atomic_text, read_jsonl, require_file
from hyper_ir.problems import Problems


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """A query to train on.

    Attributes
    ----------
    id: the query's id, unique within its task.
    query: its text.
    task: the task it is of.
    positive_ids: ids of gold documents to train on, best first, at least one.
    negative_ids: ids of its hard negatives, best-ranked first; none of them a positive.
    gold_ids: its other gold documents, or pages, which must not count as negatives either.
    """

    id: str
    query: str
    task: str
    positive_ids: tuple[str, ...]
    negative_ids: tuple[str, ...] = ()
    gold_ids: tuple[str, ...] = ()


def read_examples(
    path: str | os.PathLike[str], problems: Problems | None = None
) -> Iterator[tuple[str, TrainingExample]]:
    """Yield ``("FILE:LINE", example)`` in the file's order; ``.gz`` is unpacked as it is read.

    Bad records go to ``problems`` (by default: ValueError at the first): a missing or empty key,
    no positive, an id twice in a list or in both, an id that its task had before. Other keys
    are left alone.
    """
    problems = problems if problems is not None else Problems()
    path = require_file(path, "examples")
    seen = Duplicates(lambda: ((_key(one), where) for where, one in _readable(path)))
    for where, record in read_jsonl(path, problems):
        try:
            example = example_of(record)
            before = seen.place_before(_key(example), where)
            if before is not None:
                name = f"query {example.id:.100} of {example.task:.100}"
                raise ValueError(f"{name} stands at {before} already")
        except ValueError as error:
            problems.found(where, str(error))
            continue
        yield where, example


def write_examples(
    path: str | os.PathLike[str],
    examples: Iterable[TrainingExample],
    beside: Callable[[], object] | None = None,
) -> int:
    """Write one example a line, atomically; gzip where the name ends in ``.gz``.

    Returns how many. Raises ValueError for an example that :func:`read_examples` would refuse, and
    where another process is writing the file. ``beside`` is as in
    :func:`~hyper_ir.files.atomic_file`.
    """
    count = 0
    with atomic_text(path, beside, wait=False) as handle:
        for example in examples:
            record = record_of(example)
            example_of(record)
            handle.write(json.dumps(record, ensure_ascii=False) + "\n")
            count += 1
    return count


def record_of(example: TrainingExample) -> dict[str, Any]:
    """The example as the JSON object of its line."""
    return {
        "id": example.id,
        "query": example.query,
        "task": example.task,
        "positive_ids": list(example.positive_ids),
        "negative_ids": list(example.negative_ids),
        **({"gold_ids": list(example.gold_ids)} if example.gold_ids else {}),
    }


def example_of(record: dict[str, Any]) -> TrainingExample:
    """The example that a JSON object holds; ValueError (without a place) where it holds none."""
    query = checked_text(record.get("query"), "query")
    if not query.strip():
        raise ValueError("query is missing or has no text")
    positives = _ids(record, "positive_ids")
    negatives = _ids(record, "negative_ids")
    if not positives:
        raise ValueError("positive_ids is empty; an example needs a positive")
    both = set(positives).intersection(negatives)
    if both:
        raise ValueError(f"{shortened(min(both))} is both a positive and a negative")
    return TrainingExample(
        id=checked_id(record.get("id"), "id"),
        query=query,
        task=checked_id(record.get("task"), "task"),
        positive_ids=positives,
        negative_ids=negatives,
        gold_ids=_ids(record, "gold_ids") if "gold_ids" in record else (),
    )


class ExampleFile(Sequence[TrainingExample]):
    """The examples of an unpacked JSONL file, each read from its place when it is asked for.

    The whole file is checked first. DataLoader's workers may share the object.

    Parameters
    ----------
    path: a file of :func:`write_examples`, not compressed.
    problems: what to do with bad records; those skipped are no examples.

    Attributes
    ----------
    tasks: the tasks' names, sorted.

    Raises
    ------
    ValueError
        When the file is missing, compressed, or holds no example.
    """

    def __init__(self, path: str | os.PathLike[str], problems: Problems | None = None) -> None:
        self.path = require_file(path, "examples")
        if is_gzip(self.path):
            raise ValueError(
                f"{self.path} is compressed, and single examples cannot be read from it; "
                "unpack it with gunzip"
            )
        lines = array("q")
        tasks = array("q")
        numbers: dict[str, int] = {}
        for where, example in read_examples(self.path, problems):
            lines.append(int(where.rpartition(":")[2]) - 1)
            tasks.append(numbers.setdefault(example.task, len(numbers)))
        if not lines:
            raise ValueError(f"{self.path} holds no training example")
        self._names = list(numbers)
        self._task_of = tasks
        self._starts = _starts_of_lines(self.path, lines)
        self.tasks = sorted(numbers)

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> TrainingExample: ...

    @overload
    def __getitem__(self, index: slice) -> list[TrainingExample]: ...

    def __getitem__(self, index: int | slice) -> TrainingExample | list[TrainingExample]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        # Opened each time: workers that share a handle would share its place in the file.
        with open(self.path, "rb") as handle:
            handle.seek(self._starts[index])
            line = handle.readline()
        return example_of(json.loads(line.decode("utf-8-sig")))

    def task_of(self, index: int) -> str:
        """An example's task, without reading the file."""
        return self._names[self._task_of[index]]

    def tasks_of_all(self) -> list[str]:
        """Each example's task, in order: what the sampler needs."""
        return [self._names[number] for number in self._task_of]


def _key(example: TrainingExample) -> str:
    return f"{example.task} {example.id}"  # neither can hold white space


def _readable(path: Path) -> Iterator[tuple[str, TrainingExample]]:
    """The file's good records, without the search for duplicates."""
    for where, record in read_jsonl(path, Problems("skip", keep=0)):
        try:
            yield where, example_of(record)
        except ValueError:
            continue


def _ids(record: dict[str, Any], key: str) -> tuple[str, ...]:
    values = record.get(key)
    if not isinstance(values, list):
        kind = "missing" if values is None else f"of type {type(values).__name__}"
        raise ValueError(f"{key} is {kind}; a list of ids is needed")
    ids = tuple(checked_id(value, f"an id of {key}") for value in values)
    if len(set(ids)) < len(ids):
        twice = next(id for id, times in Counter(ids).items() if times > 1)
        raise ValueError(f"{key} holds {shortened(twice)} twice")
    return ids


def _starts_of_lines(path: Path, lines: array[int]) -> array[int]:
    """The byte at which each of the lines (numbers from 0, ascending) begins."""
    starts, place, wanted = array("q"), 0, iter(lines)
    next_line, number, begins = next(wanted, None), 0, True
    with open(path, "rb") as handle:
        for piece in iter(partial(handle.readline, LONGEST_LINE), b""):
            if begins and number == next_line:
                starts.append(place)
                next_line = next(wanted, None)
            number += begins
            begins = piece.endswith(b"\n")
            place += len(piece)
    return starts
