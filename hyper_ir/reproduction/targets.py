"""What cells are tested on: the tasks' development queries, and zero-shot collections."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hyper_ir.data import irds
from hyper_ir.data.beir import judged_topics
from hyper_ir.data.qrels import read_qrels
from hyper_ir.data.records import Judgment, Topic
from hyper_ir.data.topics import read_topics
from hyper_ir.problems import Problems
from hyper_ir.reproduction.grid import CORPUS, TASK, Grid
from hyper_ir.search.pipeline import Depth

Item = TypeVar("Item")


@dataclass(frozen=True)
class Target:
    """One set of queries with judgments.

    Attributes
    ----------
    name: the task's, or the zero-shot collection's.
    collection: what is searched.
    source: of queries and judgments.
    split: of the judgments, where the source has several.
    measures: names of ir-measures.
    depth: how many hits a query gets, and whether passages are made pages.
    most: how many queries are taken at most; None for all.
    """

    name: str
    collection: str
    source: str
    split: str
    measures: tuple[str, ...]
    depth: Depth
    most: int | None = None

    def read(self) -> tuple[list[Topic], list[Judgment]]:
        """The judged queries and their judgments; ValueError where they cannot be read."""
        judgments = read_qrels(self.source, Problems(), self.split)
        topics = evenly(judged_topics(read_topics(self.source), judgments), self.most)
        kept = {topic.id for topic in topics}
        return topics, [each for each in judgments if each.topic_id in kept]

    def settings(self, topics: Sequence[Topic], judgments: Sequence[Judgment]) -> dict[str, Any]:
        """What scores follow from besides the cell."""
        digest = hashlib.sha256()
        for topic in topics:
            digest.update(f"{topic.id} {topic.text}\n".encode())
        for each in judgments:
            line = f"{each.topic_id} {each.iteration} {each.doc_id} {each.grade}\n"
            digest.update(line.encode())
        return {
            "measures": list(self.measures),
            "hits": self.depth.hits,
            "pages": self.depth.pages,
            "without_query": self.depth.without_query,
            "queries": digest.hexdigest(),
        }


def evenly(items: Sequence[Item], most: int | None) -> list[Item]:
    """At most so many, from the first on at equal distances."""
    if most is None or most >= len(items):
        return list(items)
    return [items[place * len(items) // most] for place in range(most)]


def targets_of(grid: Grid) -> dict[str, Target]:
    """All targets of a grid by name, the tasks first."""
    data = grid.data
    tasks = [
        Target(
            task,
            CORPUS,
            data.dev.replace(TASK, task),
            "dev",
            tuple(grid.measures),
            Depth(hits=grid.hits, pages=grid.depth),
            grid.queries,
        )
        for task in data.tasks
    ]
    others = [
        Target(
            name,
            name,
            source if irds.is_irds(source) else source.rstrip("/"),
            data.split,
            tuple(grid.zero_shot_measures),
            Depth(hits=grid.depth, without_query=name in data.without_query),
            grid.queries,
        )
        for name, source in data.zero_shot.items()
    ]
    return {target.name: target for target in (*tasks, *others)}
