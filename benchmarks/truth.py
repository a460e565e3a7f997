"""The true scores of an impact search, against which every engine's hits are held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Vector = Mapping[str, int]


class Truth:
    """All documents' vectors, and the score of every document for every topic.

    A token that every document has is left out, as Lucene's searcher leaves it out.
    """

    def __init__(self, vectors: Iterable[tuple[str, Vector]]) -> None:
        self._tokens: dict[str, int] = {}
        self._places: dict[str, int] = {}
        columns: list[int] = []
        weights: list[int] = []
        ends = [0]
        for id, vector in vectors:
            self._places[id] = len(self._places)
            columns += [self._tokens.setdefault(token, len(self._tokens)) for token in vector]
            weights += vector.values()
            ends.append(len(columns))
        shape = (len(self._places), len(self._tokens))
        self._matrix = csr_array((np.array(weights, np.float64), columns, ends), shape)
        frequencies = np.bincount(np.array(columns, np.int64), minlength=shape[1])
        self._kept = frequencies < len(self._places)

    def recall(
        self, topics: Sequence[tuple[str, Vector]], found: Mapping[str, list[str]], k: int
    ) -> float:
        """Mean share of the k best that were found, over topics that find anything.

        A hit counts if its score is that of the k-th best or more: of documents with equal
        scores any will do.
        """
        shares: list[float] = []
        for id, vector in topics:
            scores = self._scores(vector)
            wanted = min(k, int((scores > 0).sum()))
            if wanted:
                least = np.partition(scores, -wanted)[-wanted]
                own = [scores[self._places[document]] for document in {*found[id][:k]}]
                shares.append(float(sum(score >= least for score in own)) / wanted)
        if not shares:
            raise ValueError("topics: no document has a token of any of them")
        return sum(shares) / len(shares)

    def _scores(self, vector: Vector) -> NDArray[np.float64]:
        query = np.zeros(self._matrix.shape[1])
        for token, weight in vector.items():
            place = self._tokens.get(token)
            if place is not None and self._kept[place]:
                query[place] = weight
        return np.asarray(self._matrix @ query)
