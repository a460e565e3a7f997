"""Where candidates come from: BM25 over an index of the corpus, or run files of any search."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hyper_ir.data.corpus import Corpus
from hyper_ir.data.runs import remove_query
from hyper_ir.files import require_file
from hyper_ir.lucene.opening import find_indexes
from hyper_ir.lucene.searching import K1, B, BM25Searcher
from hyper_ir.mining.candidates import Lists
from hyper_ir.mining.checks import check_index
from hyper_ir.mining.run_topics import read_run_topics
from hyper_ir.mining.tasks import MiningTask
from hyper_ir.problems import Problems
from hyper_ir.search.pipeline import Depth, Search, Searcher

BATCH = 512
"""Queries handed to Lucene together: enough for any number of threads."""


class FirstStage(Protocol):
    """A search that is ready.

    Attributes
    ----------
    documents: how many it searches, where that is known.
    """

    @property
    def documents(self) -> int | None: ...  # noqa: D102

    def lists(self, tasks: Sequence[MiningTask], depth: Depth) -> Lists:
        """The hits of every query; the queries are numbered through all tasks."""


class FirstStageConfig(Protocol):
    """A search that can be opened for a corpus."""

    def check(self, corpus: Corpus) -> list[str]:
        """Raise ValueError where it does not fit the corpus, as far as can be told at once.

        Returns what a user should know of it.
        """

    def open(self, problems: Problems, progress: bool) -> FirstStage:
        """Make it ready, which may start Java."""

    def files(self) -> list[str | os.PathLike[str]]:
        """What it reads."""

    def describe(self) -> dict[str, Any]:
        """Its settings, for manifests."""


@dataclass(frozen=True, slots=True)
class FromIndex:
    """BM25 over an index that ``python -m hyper_ir.index`` made of the corpus."""

    index: str
    k1: float = K1
    b: float = B
    threads: int = 1

    def check(self, corpus: Corpus) -> list[str]:
        """Raise ValueError where the index is none, of impacts, or not of the corpus."""
        if self.threads < 1:
            raise ValueError(f"threads: at least 1 is needed, not {self.threads}")
        note = check_index(self.index, find_indexes(self.index).manifest, corpus)
        return [note] if note else []

    def open(self, problems: Problems, progress: bool) -> FirstStage:
        """Open the index; ValueError where ``k1`` or ``b`` is out of range, or Java is missing."""
        searcher = BM25Searcher(self.index, k1=self.k1, b=self.b)
        return FromSearcher(searcher, searcher.documents, self.threads, progress)

    def files(self) -> list[str | os.PathLike[str]]:
        """The index is a folder, which no output can be."""
        return []

    def describe(self) -> dict[str, Any]:
        """Its settings; the number of threads changes nothing."""
        return {"index": self.index, "k1": self.k1, "b": self.b}


@dataclass(frozen=True, slots=True)
class FromSearcher:
    """A first stage over any searcher that takes texts."""

    searcher: Searcher[str]
    documents: int | None = None
    threads: int = 1
    progress: bool = True

    def lists(self, tasks: Sequence[MiningTask], depth: Depth) -> Lists:
        """The hits of every query, task after task: ids may be the same in two."""
        first = 0
        for task in tasks:
            topics = [(query.id, query.text) for query in task.queries]
            search = Search(self.searcher, depth, BATCH, self.threads)
            for number, (_, hits) in enumerate(search.run(topics, self.progress), start=first):
                yield number, hits
            first += len(topics)


@dataclass(frozen=True, slots=True)
class FromRuns:
    """A TREC run for every task, by the task's name."""

    runs: Mapping[str, Path]

    def check(self, corpus: Corpus) -> list[str]:
        """Raise ValueError where a run is not there."""
        for path in self.runs.values():
            require_file(path, "run")
        return []

    def open(self, problems: Problems, progress: bool) -> FirstStage:
        """The runs are read when they are needed."""
        return _Runs(self.runs, problems)

    def files(self) -> list[str | os.PathLike[str]]:
        """The runs."""
        return list(self.runs.values())

    def describe(self) -> dict[str, Any]:
        """The runs' names by task."""
        return {"runs": {task: str(path) for task, path in self.runs.items()}}


@dataclass(frozen=True, slots=True)
class _Runs:
    runs: Mapping[str, Path]
    problems: Problems
    documents: int | None = None

    def lists(self, tasks: Sequence[MiningTask], depth: Depth) -> Lists:
        """Topics that are no query of the task are passed over; ValueError where all are."""
        first = 0
        for task in tasks:
            numbers = {query.id: first + place for place, query in enumerate(task.queries)}
            found = False
            for topic, hits in read_run_topics(self.runs[task.name], self.problems):
                if topic in numbers:
                    found = True
                    kept = remove_query(hits, topic) if depth.without_query else hits
                    yield numbers[topic], kept[: depth.hits]
            if not found:
                raise ValueError(
                    f"{self.runs[task.name]}: none of its topics is a query of {task.name}, "
                    f"which has {task.queries[0].id}, for example"
                )
            first += len(task.queries)
