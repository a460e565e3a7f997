"""Query weights fitted to the collection that is searched: times a power of the tokens' idf.

A model learns how telling a word is on the collection that it was trained on. On another one the
index knows better: it counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from hyper_ir.data.records import Hit
from hyper_ir.lucene.queries import Vector
from hyper_ir.search.engines import ImpactEngine


class IdfWeighted:
    """A searcher whose queries' weights are multiplied by ``ln(documents / frequency)^power``.

    Products are rounded to integers of at least 1. A token that every document has is left out; one
    that no document has stays as it is, and finds nothing.

    Parameters
    ----------
    engine: searches the weighted queries; the frequencies are its collection's.
    power: 1 for the idf itself, 0.5 for its root.

    Raises
    ------
    ValueError
        For a power that is not above 0, or over 4.
    """

    def __init__(self, engine: ImpactEngine, power: float) -> None:
        if not 0 < power <= 4:
            raise ValueError(f"idf power: it must be above 0 and at most 4, not {power}")
        self.engine = engine
        self.power = power
        self.manifest = engine.manifest
        self.documents = engine.documents

    def knows(self, token: str) -> bool:
        """Whether any document has the token."""
        return self.engine.knows(token)

    def idf(self, token: str) -> float | None:
        """``ln(documents / documents with the token)``; None where no document has it."""
        return self.engine.idf(token)

    def search(
        self, queries: Sequence[tuple[str, Vector]], hits: int, threads: int = 1
    ) -> dict[str, list[Hit]]:
        """The best ``hits`` documents of every ``(id, {token: weight})``, by id."""
        weighted = [(id, self.weighted(vector)) for id, vector in queries]
        return self.engine.search(weighted, hits, threads)

    def weighted(self, vector: Vector) -> Vector:
        """The query as it is searched."""
        found: dict[str, int] = {}
        for token, weight in vector.items():
            idf = self.engine.idf(token)
            if idf is None:
                found[token] = weight
            elif idf > 0:
                found[token] = max(1, round(weight * idf**self.power))
        return found
