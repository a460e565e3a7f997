from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.search.ranking import adjust_ties, adjust_whole, best, undo_ties


@given(st.lists(st.integers(0, 6), max_size=40), st.integers(1, 45))
def test_best_is_sorting_by_score_and_position(scores: list[int], limit: int) -> None:
    expected = sorted(
        (place for place, score in enumerate(scores) if score > 0),
        key=lambda place: (-scores[place], place),
    )[:limit]
    assert best(np.array(scores, dtype=np.float32), limit).tolist() == expected


def adjust_one_by_one(scores: list[np.float32]) -> list[np.float32]:
    """Anserini's loop, number by number, in its own types."""
    done: list[np.float32] = []
    tied = 0
    for score in scores:
        rounded = np.float32(int(float(score) * 10000.0 + 0.5) / 10000.0)
        if done and not done[-1] - rounded > np.float32(1e-4):
            tied += 1
            rounded = np.float32(rounded - np.float32(1e-6) * np.float32(tied))
        else:
            tied = 0
        done.append(rounded)
    return done


@given(st.lists(st.integers(1, 2**30) | st.integers(1, 5), max_size=30))
def test_ties_are_lowered_as_anserini_does(scores: list[int]) -> None:
    descending = np.array(sorted(scores, reverse=True), dtype=np.float32)
    expected = adjust_one_by_one(list(descending))
    assert adjust_ties(descending).tolist() == [float(score) for score in expected]


def test_known_scores_of_anserini() -> None:
    """Printed by Pyserini 1.6.0 for three documents of weight 3, and for three of 765."""
    three = adjust_ties(np.array([3, 3, 3], dtype=np.float32)).tolist()
    assert three == [3.0, 2.9999990463256836, 2.999998092651367]
    assert adjust_ties(np.array([765, 765, 765], dtype=np.float32)).tolist() == [765.0] * 3


whole_scores = st.lists(
    st.integers(0, 40) | st.integers(0, 2**26) | st.integers(2**30, 2**49 - 2**26), max_size=60
)


@given(whole_scores)
def test_whole_numbers_are_adjusted_at_once_and_found_again(numbers: list[int]) -> None:
    scores = np.sort(np.array(numbers, dtype=np.float32))[::-1].copy()
    adjusted = adjust_whole(scores)
    assert np.array_equal(adjusted, adjust_ties(scores))
    printed = np.array([float(f"{score:.6f}") for score in adjusted.tolist()])
    found = undo_ties(printed)
    assert found is not None
    assert np.array_equal(found, scores)


def test_a_long_tie_is_found_again() -> None:
    scores = np.full(3_000, 70_001, dtype=np.float32)
    printed = np.array([float(f"{score:.6f}") for score in adjust_whole(scores).tolist()])
    assert undo_ties(printed) is not None
    scores = np.full(600_000, 3, dtype=np.float32)
    printed = np.array([float(f"{score:.6f}") for score in adjust_whole(scores).tolist()])
    assert undo_ties(printed) is None  # half way to the next number


@pytest.mark.parametrize(
    "scores",
    [
        [3.5, 2.0],
        [12.3456],
        [3.0, 3.0],  # a tie that is not lowered
        [2.999999, 2.999998],  # the first of the tie was removed
        [2.0, 3.0],
        [float(2**50)],
        [-0.5],
    ],
)
def test_other_scores_are_no_sums_of_impacts(scores: list[float]) -> None:
    assert undo_ties(np.array(scores)) is None
