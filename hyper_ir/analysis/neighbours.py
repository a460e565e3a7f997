"""Whether a query's nearest neighbours by attention are of its own task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEIGHBOURS = 10


@dataclass(frozen=True)
class Purity:
    """Shares of own-task queries, from 0 to 1.

    Attributes
    ----------
    neighbours: how many nearest queries were looked at.
    overall, by_task: the mean share of them that are of the query's own task.
    chance: what neighbours drawn at random would give, overall.
    """

    neighbours: int
    overall: float
    by_task: list[float]
    chance: float


def purity(distances: np.ndarray, members: np.ndarray, neighbours: int = NEIGHBOURS) -> Purity:
    """The mean share of a query's nearest neighbours that are of its own task.

    Queries equally far away share the places that are left for them: where all attentions are
    the same, purity is chance.

    Parameters
    ----------
    distances: ``(n, n)``, or anything that grows with them.
    members: of each query its task's place from 0.
    neighbours: at most n - 1 are taken.
    """
    count = len(members)
    taken = min(neighbours, count - 1)
    shares = np.array([_share(distances[row], members, row, taken) for row in range(count)])
    sizes = np.bincount(members)
    chance = ((sizes[members] - 1) / (count - 1)).mean()
    by_task = [float(shares[members == task].mean()) for task in range(len(sizes))]
    return Purity(taken, float(shares.mean()), by_task, float(chance))


def _share(distances: np.ndarray, members: np.ndarray, row: int, taken: int) -> float:
    others = np.delete(distances, row)
    own = np.delete(members == members[row], row)
    limit = np.partition(others, taken - 1)[taken - 1]
    nearer, tied = others < limit, others == limit
    places = taken - nearer.sum()
    return float((own[nearer].sum() + places * own[tied].mean()) / taken)
