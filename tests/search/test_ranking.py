from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.search.ranking import adjust_ties, best


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
