"""Negatives from a backbone's own hits: what it takes for relevant, and is not."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from hyper_ir.data.corpus import Corpus
from hyper_ir.data.records import Topic
from hyper_ir.mining.candidates import Lists
from hyper_ir.mining.first_stage import FirstStage
from hyper_ir.mining.tasks import MiningTask
from hyper_ir.problems import Problems
from hyper_ir.reproduction.query_side import QuerySide
from hyper_ir.search.pipeline import Depth, Search

BATCH = 1024
"""Queries encoded and searched together."""


@dataclass(frozen=True)
class FromBackbone:
    """A first stage that mining can open: a backbone over its vectors of the collection.

    Attributes
    ----------
    opened: makes its query side and the searcher, which takes time.
    described: what the hits follow from, for the manifest.
    threads: of the searcher.
    """

    opened: Callable[[], tuple[QuerySide, Any]]
    described: Mapping[str, Any]
    threads: int = 1

    def check(self, corpus: Corpus) -> list[str]:
        """Its vectors are made of the grid's corpus, or checked against it with other inputs."""
        return []

    def open(self, problems: Problems, progress: bool) -> FirstStage:
        """Load the model and open the vectors."""
        queries, searcher = self.opened()
        return _Hits(queries, searcher, self.threads, progress)

    def files(self) -> list[str | os.PathLike[str]]:
        """None that an output could be."""
        return []

    def describe(self) -> dict[str, Any]:
        """What the hits follow from."""
        return {"backbone": dict(self.described)}


@dataclass(frozen=True)
class _Hits:
    queries: QuerySide
    searcher: Any
    threads: int
    progress: bool
    documents: int | None = None

    def lists(self, tasks: Sequence[MiningTask], depth: Depth) -> Lists:
        search = Search(self.searcher, depth, BATCH, self.threads)
        total = sum(len(task.queries) for task in tasks)
        first = 0
        with tqdm(total=total, unit=" queries", disable=not self.progress) as bar:
            for task in tasks:  # ids may be the same in two tasks
                topics = [Topic(query.id, query.text) for query in task.queries]
                for start in range(0, len(topics), BATCH):
                    asked = self.queries.encode(topics[start : start + BATCH])
                    found = search.run(asked, progress=False)
                    for number, (_, hits) in enumerate(found, start=first + start):
                        yield number, hits
                    bar.update(len(asked))
                first += len(topics)
