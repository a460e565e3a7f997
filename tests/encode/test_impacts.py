from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.encode.impacts import Quantiser, impacts, named

WEIGHTS = st.lists(st.one_of(st.just(0.0), st.floats(0, 50, width=32)), min_size=1, max_size=30)


def naive_impacts(row: list[float], factor: float, top_k: int | None) -> list[tuple[int, int]]:
    """Round each weight, drop zeros, sort by impact and then by id, cut."""
    terms = [(i, round(float(torch.tensor(w) * factor))) for i, w in enumerate(row)]
    kept = sorted(((i, v) for i, v in terms if v > 0), key=lambda term: (-term[1], term[0]))
    return kept[:top_k]


@given(
    st.lists(WEIGHTS, min_size=1, max_size=4),
    st.sampled_from([100.0, 51.2, 1.0]),
    st.one_of(st.none(), st.integers(1, 10)),
)
def test_impacts_equal_the_naive_ones(
    rows: list[list[float]], factor: float, top_k: int | None
) -> None:
    width = max(len(row) for row in rows)
    padded = [row + [0.0] * (width - len(row)) for row in rows]
    result = impacts(torch.tensor(padded), Quantiser(factor, top_k))
    for row, (ids, values) in zip(padded, result, strict=True):
        expected = naive_impacts(row, factor, top_k)
        assert list(zip(ids.tolist(), values.tolist(), strict=True)) == expected


def test_small_weights_are_dropped_not_truncated_to_one() -> None:
    ids, values = impacts(torch.tensor([[0.004, 0.006, 0.99]]), Quantiser())[0]
    assert named(ids, values, ["a", "b", "c"]) == {"c": 99, "b": 1}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -0.1, 2.0**24])
def test_weights_that_lucene_cannot_hold_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="weights lie between"):
        impacts(torch.tensor([[0.0, 1.0], [bad, 1.0]]), Quantiser())


@pytest.mark.parametrize("settings", [(0.0, None), (math.nan, None), (math.inf, None), (100.0, 0)])
def test_quantisers_out_of_range_are_refused(settings: tuple[float, int | None]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Quantiser(*settings)
