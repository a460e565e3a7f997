"""Anserini's ranking without a JVM: its order, its ties, its scores to the last digit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best(scores: NDArray[np.float32], limit: int) -> NDArray[np.int64]:
    """Positions of the ``limit`` best scores above 0, best first, ties by position ascending."""
    found = np.flatnonzero(scores > 0)
    values = scores[found]
    if len(found) > limit:
        threshold = np.partition(values, len(values) - limit)[len(values) - limit]
        above = found[values > threshold]
        level = found[values == threshold][: limit - len(above)]
        found = np.sort(np.concatenate([above, level]))
        values = scores[found]
    return found[np.argsort(-values, kind="stable")]


LARGEST_TOLD = 2.0**49
"""Anserini's rounding makes one score of all above 2**63 / 10,000."""


def adjust_whole(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same as :func:`adjust_ties`, at once, for whole numbers in descending order.

    Whole numbers that differ are never tied, unless a million scores are equal.
    """
    places = np.arange(len(scores))
    starts = np.concatenate([[True], scores[1:] != scores[:-1]])[: len(scores)]
    tied = places - np.maximum.accumulate(np.where(starts, places, 0))
    return (scores - np.float32(1e-6) * tied.astype(np.float32)).astype(np.float32)


def undo_ties(printed: NDArray[np.float64]) -> NDArray[np.float32] | None:
    """The sums of impacts of which Anserini made a run's scores, as the run has them.

    None where they are not that: no whole numbers, out of order, of over half a million hits of
    one score, too large to be told apart, or a list from which something was removed.
    """
    whole = np.rint(printed).astype(np.float32)
    if len(whole) and (not whole[0] < LARGEST_TOLD or bool(np.any(whole[1:] > whole[:-1]))):
        return None
    again = np.array([float(f"{score:.6f}") for score in adjust_whole(whole).tolist()])
    return whole if np.array_equal(again, printed) else None


def adjust_ties(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """What Anserini's ScoreTiesAdjuster makes of scores in descending order.

    Each is rounded to four decimals; each that then is not more than 0.0001 below the one before
    counts as tied with it, and the n-th of a tie is lowered by n × 0.000001. All is computed in
    32 bits, so that large scores stay as they are.
    """
    step, gap = np.float32(1e-6), np.float32(1e-4)
    wide = scores.astype(np.float64) * 10_000.0
    rounded = (np.floor(np.minimum(wide, 2.0**63) + 0.5) / 10_000.0).astype(np.float32)
    adjusted = rounded.copy()
    tied = 0
    for place in range(1, len(adjusted)):
        if adjusted[place - 1] - adjusted[place] > gap:
            tied = 0
            continue
        tied += 1
        adjusted[place] -= step * np.float32(tied)
    return adjusted
