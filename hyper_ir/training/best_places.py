"""The best scores of a stream of blocks, exactly, with ties in a fixed order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class BestPlaces:
    """The k highest scores of each query among documents that come in blocks.

    Equal scores are in the order of the documents' places. Memory: twice k numbers a query.

    Parameters
    ----------
    queries: how many.
    k: how many documents are kept of each.
    """

    def __init__(self, queries: int, k: int) -> None:
        if k < 1:
            raise ValueError(f"k: {k} is not a positive number")
        self.k = k
        self._places: list[NDArray[Any]] = [np.empty(0, dtype=np.int64)] * queries
        self._scores: list[NDArray[Any]] = [np.empty(0, dtype=np.float32)] * queries

    def add(self, scores: NDArray[Any], place: int, query: int = 0) -> None:
        """Take note of a block of scores, ``(queries, documents)``, float32.

        Parameters
        ----------
        place: of the block's first document; blocks come in the order of places.
        query: the number of the query of the first row.
        """
        for number, row in enumerate(scores, start=query):
            self._add(number, row, place)

    def _add(self, query: int, scores: NDArray[Any], place: int) -> None:
        best = self._scores[query]
        if len(best) < self.k:
            found = np.arange(len(scores))
        else:
            found = np.flatnonzero(scores > best[-1])  # an equal one has the higher place
        if not len(found):
            return
        # What is there stands first: a stable sort leaves equal scores in the order of places.
        candidates = np.concatenate([best, scores[found]])
        places = np.concatenate([self._places[query], found + place])
        if len(candidates) > 2 * self.k:
            least = np.partition(candidates, -self.k)[-self.k]
            kept = candidates >= least
            candidates, places = candidates[kept], places[kept]
        order = np.argsort(-candidates, kind="stable")[: self.k]
        self._scores[query], self._places[query] = candidates[order], places[order]

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Places and scores, best first: ``(queries, k)``, or fewer than k where there are."""
        if not self._places:
            return np.empty((0, 0), dtype=np.int64), np.empty((0, 0), dtype=np.float32)
        return np.stack(self._places), np.stack(self._scores)
