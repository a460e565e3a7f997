from __future__ import annotations

import numpy as np
import pytest

from hyper_ir.analysis.divergences import pairwise_divergence
from hyper_ir.analysis.layout import attention_layout, principal_plane
from tests.analysis.small import attention


def test_the_same_seed_gives_the_same_map_and_keeps_tasks_together() -> None:
    some = attention((12, 12, 12), prompts=8)
    divergence = pairwise_divergence(some.shares)
    first, second = (attention_layout(some.shares, divergence, 42) for _ in range(2))
    assert first.shape == (36, 2)
    assert np.array_equal(first, second)
    distances = np.linalg.norm(first[:, None] - first, axis=2)
    same = some.members[:, None] == some.members
    assert distances[same].mean() < distances[~same].mean()


def test_few_and_equal_queries_can_be_drawn() -> None:
    shares = np.full((4, 3), 1 / 3)
    points = attention_layout(shares, pairwise_divergence(shares), 1)
    assert np.isfinite(points).all()
    with pytest.raises(ValueError, match="3 queries: a map needs 4"):
        attention_layout(shares[:3], np.zeros((3, 3)), 1)


def test_the_start_is_the_principal_plane_with_fixed_signs() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(50, 3)) * (5, 1, 0.1)
    plane = principal_plane(points)
    assert abs(np.corrcoef(plane[:, 0], points[:, 0])[0, 1]) > 0.99
    assert abs(np.corrcoef(plane[:, 1], points[:, 1])[0, 1]) > 0.99
    assert plane[:, 0].std() == pytest.approx(1e-4)
    assert principal_plane(points[::-1])[::-1] == pytest.approx(plane)
    assert not principal_plane(np.ones((5, 3))).any()
    assert principal_plane(np.arange(5.0)[:, None])[:, 1].tolist() == [0] * 5
