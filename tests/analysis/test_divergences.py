from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from hyper_ir.analysis import divergences as module
from hyper_ir.analysis.divergences import pairwise_divergence, task_divergences
from tests.analysis.small import attention
from tests.models.naive_divergence import naive_jsd


@pytest.mark.parametrize("rows_at_once", [1, 300, 1 << 22])
def test_every_pair_is_that_of_the_definition(
    rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", rows_at_once)
    shares = attention().shares
    shares[0] = np.eye(6)[0]
    shares[1] = np.eye(6)[1]
    matrix = pairwise_divergence(shares)
    for first in range(len(shares)):
        for second in range(len(shares)):
            exact = naive_jsd(shares[first].tolist(), shares[second].tolist())
            assert matrix[first, second] == pytest.approx(exact, abs=1e-6)
    assert matrix[0, 1] == pytest.approx(math.log(2))
    assert np.array_equal(matrix, matrix.T)
    assert not np.diag(matrix).any()


def test_too_many_queries_are_refused_before_memory_is_taken() -> None:
    with pytest.raises(ValueError, match="10,001 queries"):
        pairwise_divergence(np.ones((10_001, 1)))


def test_means_are_over_pairs_of_different_queries() -> None:
    some = attention((3, 1, 4))
    matrix = pairwise_divergence(attention((3, 2, 4)).shares)
    members = attention((3, 2, 4)).members
    found = task_divergences(matrix, members)
    pairs = list(combinations(range(9), 2))
    same = [matrix[a, b] for a, b in pairs if members[a] == members[b]]
    other = [matrix[a, b] for a, b in pairs if members[a] != members[b]]
    assert found.within == pytest.approx(np.mean(same))
    assert found.between == pytest.approx(np.mean(other))
    assert found.ratio == pytest.approx(np.mean(other) / np.mean(same))
    for first in range(3):
        for second in range(3):
            block = [
                matrix[a, b]
                for a in range(9)
                for b in range(9)
                if a != b and (members[a], members[b]) == (first, second)
            ]
            assert found.by_task[first, second] == pytest.approx(np.mean(block))
    assert len(some.ids) == 8


def test_collapse_has_no_ratio() -> None:
    members = np.array([0, 0, 1, 1])
    found = task_divergences(pairwise_divergence(np.full((4, 3), 1 / 3)), members)
    assert (found.within, found.between, found.ratio) == (0, 0, None)
