"""How alike tasks are by their mean attention, and the order that shows it (figure 2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from hyper_ir.analysis.divergences import pairwise_divergence


@dataclass(frozen=True)
class TaskSimilarity:
    """Task by task, in the tasks' own order.

    Attributes
    ----------
    divergence_based: 1 - JSD / ln 2 of two tasks' mean attention, from 0 (no prompt in common)
        to 1 (the same).
    cosine: of the two means.
    order: the tasks' places, those that are alike beside each other.
    """

    divergence_based: np.ndarray
    cosine: np.ndarray
    order: list[int]


def task_similarity(means: np.ndarray) -> TaskSimilarity:
    """Similarities of mean attentions, ``(tasks, N)`` with two tasks at least.

    The order is that of an average-linkage clustering by the root of the divergence, which is a
    metric; its leaves are turned so that neighbours are as near as the tree allows.
    """
    divergence = pairwise_divergence(means).astype(np.float64)
    divergence = (divergence + divergence.T) / 2
    np.fill_diagonal(divergence, 0)
    distances = squareform(np.sqrt(divergence), checks=False)
    tree = linkage(distances, method="average", optimal_ordering=True)
    unit = means / np.linalg.norm(means, axis=1, keepdims=True)
    return TaskSimilarity(
        1 - divergence / math.log(2), np.clip(unit @ unit.T, 0, 1), leaves_list(tree).tolist()
    )
