from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hyper_ir.analysis.divergences import pairwise_divergence
from hyper_ir.analysis.neighbours import purity
from tests.analysis.small import attention


def naive(distances: np.ndarray, members: np.ndarray, neighbours: int) -> list[Fraction]:
    """Every query's share; those at the last distance share the places that are left."""
    shares = []
    for row, mine in enumerate(members):
        others = sorted((distances[row, n], n) for n in range(len(members)) if n != row)
        limit = others[neighbours - 1][0]
        nearer = [n for distance, n in others if distance < limit]
        tied = [n for distance, n in others if distance == limit]
        own = Fraction(sum(bool(members[n] == mine) for n in nearer))
        left = neighbours - len(nearer)
        own += left * Fraction(sum(bool(members[n] == mine) for n in tied), len(tied))
        shares.append(own / neighbours)
    return shares


@pytest.mark.parametrize("neighbours", [1, 3, 10])
@pytest.mark.parametrize("rounded", [False, True])
def test_purity_is_that_of_its_definition(neighbours: int, rounded: bool) -> None:
    some = attention((9, 4, 7))
    distances = pairwise_divergence(some.shares)
    if rounded:  # many ties
        distances = np.round(distances, 1)
    found = purity(distances, some.members, neighbours)
    shares = naive(distances, some.members, neighbours)
    assert found.overall == pytest.approx(float(sum(shares) / len(shares)))
    for task in range(3):
        mine = [share for share, member in zip(shares, some.members, strict=True) if member == task]
        assert found.by_task[task] == pytest.approx(float(sum(mine) / len(mine)))
    assert found.chance == pytest.approx((9 * 8 + 4 * 3 + 7 * 6) / (20 * 19))


def test_collapsed_attention_has_the_purity_of_chance() -> None:
    members = np.array([0] * 8 + [1] * 4)
    found = purity(np.zeros((12, 12)), members, 5)
    assert found.overall == pytest.approx(found.chance)


def test_separate_tasks_are_pure_and_neighbours_are_at_most_all() -> None:
    members = np.array([0, 0, 0, 1, 1, 1])
    distances = (members[:, None] != members).astype(float)
    assert purity(distances, members, 2).overall == 1
    few = purity(distances, members, 10)
    assert few.neighbours == 5
    assert few.overall == pytest.approx(0.4)
