"""Whose attention is looked at: the queries of several tasks, all of them or a seeded sample."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass

from hyper_ir.data.records import Topic
from hyper_ir.data.topics import read_topics
from hyper_ir.evaluation.inputs import named_source, task_sources
from hyper_ir.problems import Problems

# nq-dev-kilt.jsonl, fever-test_without_answers-kilt.jsonl
_KILT_FILE = re.compile(r"(?P<task>.+?)-(train|dev|test)(_[a-z_]+)?-kilt\.jsonl(\.gz)?")


@dataclass(frozen=True)
class TaskQueries:
    """The queries of one task.

    Attributes
    ----------
    name: the task's.
    source: where they were read from.
    topics: all of them or a sample, in the source's order.
    total: how many the source has.
    """

    name: str
    source: str
    topics: list[Topic]
    total: int


def topics_sources(texts: Iterable[str]) -> dict[str, str]:
    """The topics of every task, by the task's name, each checked to exist.

    ``texts`` are ``SOURCE`` or ``TASK=SOURCE``; a file that is named as KILT names its files,
    such as nq-dev-kilt.jsonl, names its task, any other without its endings is the name. Raises
    ValueError for a missing file and two tasks of one name.
    """
    return task_sources([_with_task(text) for text in texts], "topics")


def _with_task(text: str) -> str:
    name, source = named_source(text, "topics")
    kilt = _KILT_FILE.fullmatch(os.path.basename(source))
    return f"{kilt['task']}={source}" if kilt and not name else text


def read_tasks(
    sources: dict[str, str], most: int | None, seed: int, problems: Problems | None = None
) -> list[TaskQueries]:
    """Read the topics of all tasks, in any format that ``read_topics`` knows.

    Of each task at most ``most`` are kept; which ones depends on ``seed`` and the task's name
    alone. Bad records go to ``problems``.
    """
    if most is not None and most < 2:
        raise ValueError(f"max queries: {most}; 2 of each task at least are compared")
    tasks = []
    for name, source in sources.items():
        topics = read_topics(source, problems=problems)
        kept = topics
        if most is not None and most < len(topics):
            places = random.Random(f"{seed} {name}").sample(range(len(topics)), most)
            kept = [topics[place] for place in sorted(places)]
        tasks.append(TaskQueries(name, source, kept, len(topics)))
    return tasks
