"""What a model's prompt attention is like: in figures, for each task and for all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import xlogy

from hyper_ir.analysis.divergences import TaskDivergences
from hyper_ir.analysis.prompt_attention import PromptAttention

TOP = 3

USED = 0.1
"""A prompt is used that gets at least this part of an equal share, as training's log counts."""


@dataclass(frozen=True)
class TaskAttention:
    """One task's attention.

    Attributes
    ----------
    task, queries: its name, and how many queries were looked at.
    mean: the mean attention, by prompt.
    entropy: the mean entropy of a query's attention, as a part of ln N, from 0 to 1.
    entropy_of_mean: the same of the mean attention.
    top: the prompts (from 0) with the largest mean shares.
    firsts: how many prompts are the first of some query.
    within: mean divergence (nats) between two of its queries.
    """

    task: str
    queries: int
    mean: list[float]
    entropy: float
    entropy_of_mean: float
    top: list[int]
    firsts: int
    within: float


@dataclass(frozen=True)
class AttentionSummary:
    """All tasks' attention.

    Attributes
    ----------
    tasks: each one's.
    unused: prompts (from 0) that get, in the mean over tasks, less than a tenth of an equal share.
    within, between, ratio: mean divergences (nats) between queries of one task and of two; the
        second over the first, None where the first is 0.
    """

    tasks: list[TaskAttention]
    prompts: int
    unused: list[int]
    within: float
    between: float
    ratio: float | None

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        return asdict(self)


def summarise(attention: PromptAttention, divergences: TaskDivergences) -> AttentionSummary:
    """The figures of an attention and of its divergences."""
    tasks = [
        _of_task(attention, place, float(divergences.by_task[place, place]))
        for place in range(len(attention.tasks))
    ]
    mean = attention.means().mean(axis=0)
    unused = np.flatnonzero(mean < USED / attention.prompts)
    return AttentionSummary(
        tasks,
        attention.prompts,
        unused.tolist(),
        divergences.within,
        divergences.between,
        divergences.ratio,
    )


def _of_task(attention: PromptAttention, place: int, within: float) -> TaskAttention:
    rows = attention.of(place)
    mean = rows.mean(axis=0)
    order = np.argsort(-mean, kind="stable")
    return TaskAttention(
        attention.tasks[place],
        len(rows),
        mean.tolist(),
        float(entropy(rows).mean()),
        float(entropy(mean)),
        order[:TOP].tolist(),
        len(np.unique(rows.argmax(axis=1))),
        within,
    )


def entropy(shares: np.ndarray) -> np.ndarray:
    """Entropy over the last axis as a part of the greatest, ln N; of one prompt alone, 0."""
    values: np.ndarray = -xlogy(shares, shares).sum(axis=-1)
    return values / max(float(np.log(shares.shape[-1])), 1e-9)
