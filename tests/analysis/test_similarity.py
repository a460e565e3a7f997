from __future__ import annotations

import math
from itertools import pairwise, permutations

import numpy as np
import pytest

from hyper_ir.analysis.similarity import task_similarity
from tests.analysis.small import attention
from tests.models.naive_divergence import naive_jsd


def test_similarities_are_those_of_their_definitions() -> None:
    means = attention((3, 4, 5, 2)).means()
    found = task_similarity(means)
    for a, first in enumerate(means):
        for b, second in enumerate(means):
            jsd = naive_jsd(first.tolist(), second.tolist())
            assert found.divergence_based[a, b] == pytest.approx(1 - jsd / math.log(2), abs=1e-6)
            cosine = first @ second / math.sqrt((first @ first) * (second @ second))
            assert found.cosine[a, b] == pytest.approx(cosine)
    assert (np.diag(found.divergence_based) == 1).all()


def test_tasks_that_are_alike_stand_beside_each_other() -> None:
    """Two pairs and a task between them, in an order that hides it."""
    line = np.array([0.0, 1.0, 0.05, 0.95, 0.5])
    means = np.stack([1 - line, line], axis=1) * 0.9 + 0.05
    order = task_similarity(means).order
    assert sorted(order) == list(range(5))

    def walk(places: tuple[int, ...]) -> float:
        return float(sum(abs(line[a] - line[b]) for a, b in pairwise(places)))

    assert walk(tuple(order)) == pytest.approx(min(map(walk, permutations(range(5)))))


def test_two_tasks_and_equal_tasks_can_be_ordered() -> None:
    assert sorted(task_similarity(np.eye(2)).order) == [0, 1]
    found = task_similarity(np.full((3, 4), 0.25))
    assert found.divergence_based == pytest.approx(np.ones((3, 3)))
    assert found.cosine == pytest.approx(np.ones((3, 3)))
