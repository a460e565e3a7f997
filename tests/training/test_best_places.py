from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.training.best_places import BestPlaces


@given(
    st.integers(1, 3),
    st.integers(1, 30),
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(0, 10_000),
)
def test_it_equals_sorting_all(
    queries: int, documents: int, k: int, block: int, kinds: int, seed: int
) -> None:
    # Few different scores: ties everywhere.
    scores = np.random.default_rng(seed).integers(-1, kinds, (queries, documents))
    scores = scores.astype(np.float32)
    best = BestPlaces(queries, k)
    for start in range(0, documents, block):
        for query in range(queries):
            best.add(scores[query : query + 1, start : start + block], start, query)
    places, values = best.arrays()
    for query in range(queries):
        order = sorted(range(documents), key=lambda place: (-scores[query, place], place))[:k]
        assert places[query].tolist() == order
        assert values[query].tolist() == scores[query, order].tolist()


def test_k_must_be_positive() -> None:
    with pytest.raises(ValueError, match="k: 0"):
        BestPlaces(1, 0)
    assert [array.shape for array in BestPlaces(0, 5).arrays()] == [(0, 0), (0, 0)]
