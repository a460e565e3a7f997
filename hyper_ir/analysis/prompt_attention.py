"""The prompt attention of many queries: computed without the transformer, kept as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hyper_ir.analysis.inputs import TaskQueries
from hyper_ir.encode.prompt_attention import prompt_attention
from hyper_ir.files import atomic_text
from hyper_ir.models.retriever import Retriever


@dataclass(frozen=True)
class PromptAttention:
    """The prompt attention of the queries of several tasks, the tasks one after the other.

    Attributes
    ----------
    tasks: the tasks' names.
    members: of each query, its task's place in ``tasks``; ``(n,)`` int64.
    ids, texts: of each query.
    shares: α, ``(n, N)`` float64; rows sum to 1.
    """

    tasks: list[str]
    members: np.ndarray
    ids: list[str]
    texts: list[str]
    shares: np.ndarray

    @property
    def prompts(self) -> int:
        """N, how many prompts there are."""
        return int(self.shares.shape[1])

    def of(self, task: int) -> np.ndarray:
        """The rows of one task, by its place in ``tasks``."""
        rows: np.ndarray = self.shares[self.members == task]
        return rows

    def means(self) -> np.ndarray:
        """The mean attention of each task, ``(tasks, N)``."""
        return np.stack([self.of(task).mean(axis=0) for task in range(len(self.tasks))])


def attention_of_tasks(
    retriever: Retriever, tasks: Sequence[TaskQueries], max_length: int | None = None
) -> PromptAttention:
    """The prompt attention of all queries of these tasks, on the CPU.

    ``max_length``: queries are cut after so many tokens; None takes the model's own setting.
    Raises ValueError for a model without prompts, or with static ones, and for a query that has
    no token.
    """
    topics = [(place, topic) for place, task in enumerate(tasks) for topic in task.topics]
    texts = [topic.text for _, topic in topics]
    shares = prompt_attention(retriever, texts, max_length).astype(np.float64)
    return PromptAttention(
        [task.name for task in tasks],
        np.array([place for place, _ in topics]),
        [topic.id for _, topic in topics],
        texts,
        shares / shares.sum(axis=1, keepdims=True),
    )


def write_attention(path: Path, attention: PromptAttention) -> None:
    """Write ``task TAB id TAB share …``, a query a line, with a header, atomically."""
    names = [f"prompt_{number}" for number in range(attention.prompts)]
    with atomic_text(path) as handle:
        handle.write("\t".join(["task", "id", *names]) + "\n")
        for member, id, shares in zip(
            attention.members, attention.ids, attention.shares, strict=True
        ):
            figures = (f"{share:.6g}" for share in shares)
            handle.write("\t".join([attention.tasks[member], id, *figures]) + "\n")
