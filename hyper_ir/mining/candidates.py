"""What a first-stage search found for every query, in 12 bytes a hit.

A document stands here as a number; its text and its id are in the corpus, which is read once
afterwards. 100,000 queries with 100 hits each take 120 MB, whatever their ids look like.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hyper_ir.data.records import Hit

NOWHERE = -1
"""The number of a document that is nobody's candidate."""

Lists = Iterable[tuple[int, Sequence[Hit]]]
"""``(number of a query, its hits from best to worst)``, each query once at most."""


@dataclass(frozen=True)
class Candidates:
    """The hits of all queries.

    Attributes
    ----------
    keys: the 64-bit hash of every different document's id, ascending; a document's number is
        its place here.
    documents: the documents' numbers, the hits of a query from best to worst.
    queries: the query of every hit, as long as ``documents``.
    starts: where a query's hits begin in ``documents``, by its number.
    lengths: how many it has.

    Two ids with one hash would be taken for one document: with n different documents in a corpus
    of m the probability is about n·m/2⁶⁴, 10⁻⁵ for millions in Wikipedia.
    """

    keys: NDArray[np.int64]
    documents: NDArray[np.int32]
    queries: NDArray[np.int32]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int32]

    @classmethod
    def collect(cls, lists: Lists, count: int) -> Candidates:
        """Take in the hits of ``count`` queries; one that is not among ``lists`` has none."""
        hashes = array("q")
        order = array("q")
        starts = np.zeros(count, dtype=np.int64)
        lengths = np.zeros(count, dtype=np.int32)
        for query, hits in lists:
            starts[query], lengths[query] = len(hashes), len(hits)
            order.append(query)
            hashes.extend(hash(hit.doc_id) for hit in hits)
        of_hits = np.frombuffer(hashes, dtype=np.int64)
        keys = np.unique(of_hits)
        met = np.frombuffer(order, dtype=np.int64)
        return cls(
            keys=keys,
            documents=np.searchsorted(keys, of_hits).astype(np.int32),
            queries=np.repeat(met, lengths[met]).astype(np.int32),
            starts=starts,
            lengths=lengths,
        )

    def numbers_of(self, ids: Sequence[str]) -> list[int]:
        """The documents' numbers; ``NOWHERE`` for those that are nobody's candidates."""
        if not len(self.keys):
            return [NOWHERE] * len(ids)
        hashes = np.fromiter(map(hash, ids), dtype=np.int64, count=len(ids))
        places = np.minimum(np.searchsorted(self.keys, hashes), len(self.keys) - 1)
        numbers: list[int] = np.where(self.keys[places] == hashes, places, NOWHERE).tolist()
        return numbers

    def span(self, query: int) -> slice:
        """Where the query's hits stand in ``documents``."""
        start = int(self.starts[query])
        return slice(start, start + int(self.lengths[query]))


class ByDocument:
    """The same hits from the documents' side: for each, the places at which it was found.

    ``wanted`` (a bool for every query) leaves out the hits of the others.
    """

    def __init__(self, candidates: Candidates, wanted: NDArray[np.bool_]) -> None:
        self._queries = candidates.queries
        places = np.flatnonzero(wanted[candidates.queries])
        documents = candidates.documents[places]
        self._places = places[np.argsort(documents, kind="stable")]
        counts = np.bincount(documents, minlength=len(candidates.keys))
        self._ends = np.cumsum(counts)

    def of(self, document: int) -> Iterator[tuple[int, int]]:
        """Yield ``(place in Candidates.documents, number of the query)``."""
        start = int(self._ends[document - 1]) if document else 0
        places = self._places[start : int(self._ends[document])]
        return zip(places.tolist(), self._queries[places].tolist(), strict=True)
