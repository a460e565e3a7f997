"""Impact search in Milvus: the same hits, order and scores as Lucene's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hyper_ir.data.records import Hit
from hyper_ir.data.runs import order_hits
from hyper_ir.export import milvus_collection as milvus
from hyper_ir.lucene.idf import Idf
from hyper_ir.lucene.queries import Vector, check_batch, check_queries
from hyper_ir.manifest import Manifest
from hyper_ir.search.ranking import adjust_ties

MORE = 64
"""Hits asked for beyond those wanted, among which ties at the end are settled by id."""


class MilvusSearcher:
    """A collection that ``python -m hyper_ir.export`` put into Milvus.

    Milvus breaks ties as it likes: further hits are asked for until all that tie with the last one
    are there, and they are ordered by id. Only where more than 16,384 documents, the most that
    Milvus gives, score as the last one does or better, does it choose among those that tie.

    Parameters
    ----------
    collection: its name.
    uri: a file ending in ``.db``, or ``http://HOST:PORT``; the environment variable MILVUS_TOKEN
        logs in.
    min_idf: as in ``hyper_ir.lucene.searching.ImpactSearcher``.

    Raises ValueError where there is no such collection, and where Milvus' client is not installed.
    """

    def __init__(self, collection: str, uri: str | None, *, min_idf: float = 0) -> None:
        self._name, self._uri = milvus.check_name(collection), uri
        self._connection = milvus.connected(uri)
        self._client = self._connection.__enter__()
        try:
            header = milvus.read_header(self._client, collection)
        except BaseException:
            self.close()
            raise
        self.manifest: Manifest | None = header.manifest
        self.documents = header.documents
        tokens = header.tokens
        self._idf = Idf(header.documents, lambda token: tokens.get(token, 0))
        self._tokens = tokens
        self._numbers = {
            token: number for number, token in enumerate(tokens) if self._idf[token] > min_idf
        }

    def close(self) -> None:
        """End the connection; the embedded Milvus lets go of its file."""
        self._connection.__exit__(None, None, None)

    def knows(self, token: str) -> bool:
        """Whether any document has the token."""
        return token in self._tokens

    def idf(self, token: str) -> float | None:
        """``ln(documents / documents with the token)``; None where no document has it."""
        return float(self._idf[token]) if token in self._tokens else None

    def search(
        self, queries: Sequence[tuple[str, Vector]], hits: int, threads: int = 1
    ) -> dict[str, list[Hit]]:
        """The best ``hits`` documents of every ``(id, {token: weight})``, by id; ids must differ.

        How many queries are answered at a time is for Milvus to say, not for ``threads``. Raises
        ValueError for more than 16,384 hits.
        """
        check_batch([id for id, _ in queries], hits, threads)
        check_queries(queries)
        if hits > milvus.MOST_HITS:
            raise ValueError(f"hits: Milvus gives {milvus.MOST_HITS:,} at most, not {hits:,}")
        found: dict[str, list[Hit]] = {id: [] for id, _ in queries}
        asked = {id: milvus.numbered(vector, self._numbers) for id, vector in queries}
        asked = {id: vector for id, vector in asked.items() if vector}
        limit = min(hits + MORE, milvus.MOST_HITS)
        while asked:
            again = {}
            for (id, vector), raw in zip(asked.items(), self._ask(asked, limit), strict=True):
                ranked = order_hits(Hit(hit["id"], hit["distance"]) for hit in raw)
                cut = len(ranked) >= limit and limit < milvus.MOST_HITS
                if cut and ranked[-1].score == ranked[hits - 1].score:
                    again[id] = vector
                else:
                    found[id] = _adjusted(ranked[:hits])
            asked, limit = again, min(4 * limit, milvus.MOST_HITS)
        return found

    def _ask(self, queries: dict[str, dict[int, float]], limit: int) -> list[Any]:
        with milvus.milvus_errors(self._uri):
            return list(
                self._client.search(
                    self._name,
                    data=list(queries.values()),
                    anns_field=milvus.FIELD,
                    limit=limit,
                    search_params={"metric_type": "IP"},
                )
            )


def _adjusted(hits: list[Hit]) -> list[Hit]:
    """The hits with their scores as Anserini gives them."""
    scores = adjust_ties(np.array([hit.score for hit in hits], dtype=np.float32))
    return [Hit(hit.doc_id, score) for hit, score in zip(hits, scores.tolist(), strict=True)]
