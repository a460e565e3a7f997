from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.advising.pareto import pareto_front

points = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.tuples(*[st.integers(0, 6)] * width), max_size=40)
)


@given(points)
def test_against_a_naive_front(points: list[tuple[int, ...]]) -> None:
    naive = [
        not any(
            all(a >= b for a, b in zip(other, point, strict=True))
            and any(a > b for a, b in zip(other, point, strict=True))
            for other in points
        )
        for point in points
    ]
    assert pareto_front(points) == naive


def test_equal_points_stand_together_and_infinity_is_a_number() -> None:
    assert pareto_front([(1, 1), (1, 1), (0, 1)]) == [True, True, False]
    assert pareto_front([(float("-inf"), 1), (0, 1)]) == [False, True]
    assert pareto_front([]) == []


@pytest.mark.parametrize(
    ("points", "complaint"),
    [([(1, 2), (1,)], "different numbers"), ([(1, float("nan"))], "not a number")],
)
def test_what_cannot_be_compared(points: list[tuple[float, ...]], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        pareto_front(points)
