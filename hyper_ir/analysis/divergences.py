"""How far the attentions of queries are from each other: pair by pair, and task by task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from hyper_ir.models.divergence import jensen_shannon

MOST_QUERIES = 10_000
"""All pairs of so many are 400 MB."""

_ROWS_AT_ONCE = 1 << 22


def pairwise_divergence(shares: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence in nats of all pairs of rows: (n, N) to (n, n) float32.

    Raises ValueError for over ``MOST_QUERIES`` rows.
    """
    count = len(shares)
    if count > MOST_QUERIES:
        raise ValueError(
            f"{count:,} queries: pairs of up to {MOST_QUERIES:,} are compared; "
            "take fewer of each task"
        )
    points = torch.from_numpy(np.ascontiguousarray(shares, dtype=np.float64))
    matrix = np.empty((count, count), dtype=np.float32)
    step = max(1, _ROWS_AT_ONCE // max(1, shares.size))
    for start in range(0, count, step):
        rows = points[start : start + step].unsqueeze(1)
        matrix[start : start + step] = jensen_shannon(rows, points).numpy()
    return np.clip(matrix, 0, None)


@dataclass(frozen=True)
class TaskDivergences:
    """Mean divergences between queries, in nats.

    Attributes
    ----------
    by_task: ``(tasks, tasks)``; on the diagonal, of two different queries of the task.
    within, between: over all pairs of different queries of one task, and of two.
    """

    by_task: np.ndarray
    within: float
    between: float

    @property
    def ratio(self) -> float | None:
        """Between over within; None where within is 0."""
        return self.between / self.within if self.within > 0 else None


def task_divergences(divergence: np.ndarray, members: np.ndarray) -> TaskDivergences:
    """Means over the pairs of each two tasks.

    Parameters
    ----------
    divergence: ``(n, n)``, its diagonal 0.
    members: of each query its task's place from 0; every task has two queries at least, and there
        are two tasks at least.
    """
    one_hot = (members[:, None] == np.arange(members.max() + 1)).astype(np.float64)
    sums = one_hot.T @ (divergence.astype(np.float64) @ one_hot)
    counts = one_hot.sum(axis=0)
    pairs = np.outer(counts, counts) - np.diag(counts)
    same = np.eye(len(counts), dtype=bool)
    return TaskDivergences(
        sums / pairs,
        float(sums[same].sum() / pairs[same].sum()),
        float(sums[~same].sum() / pairs[~same].sum()),
    )
