"""Impact search without Java: the same hits, order and scores as Lucene's, from vector files."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from tqdm import tqdm

from hyper_ir.data.records import Hit
from hyper_ir.data.vectors import read_vectors
from hyper_ir.lucene.queries import Vector, check_batch, check_queries
from hyper_ir.lucene.staging import require_whole
from hyper_ir.manifest import Manifest, read_manifest
from hyper_ir.problems import Problems
from hyper_ir.search.ranking import adjust_ties, best
from hyper_ir.wording import counted


class ExactSearcher:
    """All documents' vectors in memory, as a matrix of tokens × documents.

    Memory: 8 to 12 bytes a posting (three times that while the matrix is built) and the ids. A
    query looks at all postings of its tokens, nothing is skipped; each product and the sum
    are rounded to 32 bits as Lucene does it.

    Parameters
    ----------
    vectors: ``(id, {token: weight})`` of every document; ids differ, weights are integers ≥ 1.
    min_idf: as in ``hyper_ir.lucene.searching.ImpactSearcher``.
    manifest: that of the vectors.
    """

    def __init__(
        self,
        vectors: Iterable[tuple[str, Vector]],
        *,
        min_idf: float = 0,
        manifest: Manifest | None = None,
    ) -> None:
        self.manifest = manifest
        self._tokens: dict[str, int] = {}
        ids: list[str] = []
        columns, weights, starts = array("i"), array("i"), array("q", [0])
        for id, vector in vectors:
            ids.append(id)
            for token, weight in vector.items():
                columns.append(self._tokens.setdefault(token, len(self._tokens)))
                weights.append(weight)
            starts.append(len(columns))
        if not ids:
            raise ValueError("vectors: there is no document")
        self._postings, self._ids = _transpose(ids, columns, weights, starts, len(self._tokens))
        self.documents = len(ids)
        # numpy's logarithm, as in Pyserini: a document frequency next to min_idf must not flip.
        frequencies = np.diff(self._postings.indptr)
        self._idf = np.log(self.documents / frequencies)
        self._kept = self._idf > min_idf

    @classmethod
    def from_files(
        cls,
        source: str | os.PathLike[str],
        *,
        min_idf: float = 0,
        problems: Problems | None = None,
        progress: bool = True,
    ) -> ExactSearcher:
        """Read a file or folder of vectors.

        Raises ValueError (or tells ``problems``) for bad records, and ValueError where the
        encoding was interrupted, a shard is missing, or the documents are not as many as the
        manifest says, unless some were skipped.
        """
        problems = problems if problems is not None else Problems()
        before = problems.count
        require_whole(Path(source))
        records = tqdm(
            read_vectors(source, problems), desc="vectors", unit=" docs", disable=not progress
        )
        manifest = read_manifest(source)
        vectors = ((id, vector) for id, vector, _ in records)
        searcher = cls(vectors, min_idf=min_idf, manifest=manifest)
        counts = manifest.counts if manifest is not None else {}
        promised = counts.get("documents", searcher.documents)
        if promised != searcher.documents and problems.count == before:
            raise ValueError(
                f"vectors: {source} holds {counted(searcher.documents, 'document')}, but its "
                f"manifest says {promised:,}: it was damaged or changed; encode "
                "it anew"
            )
        return searcher

    def knows(self, token: str) -> bool:
        """Whether any document has the token."""
        return token in self._tokens

    def idf(self, token: str) -> float | None:
        """``ln(documents / documents with the token)``; None where no document has it."""
        row = self._tokens.get(token)
        return None if row is None else float(self._idf[row])

    def search(
        self, queries: Sequence[tuple[str, Vector]], hits: int, threads: int = 1
    ) -> dict[str, list[Hit]]:
        """The best ``hits`` documents of every ``(id, {token: weight})``, by id; ids must differ.

        Memory beside the matrix: 12 bytes a document and the query's postings, for each thread.
        """
        check_batch([id for id, _ in queries], hits, threads)
        check_queries(queries)
        with ThreadPoolExecutor(threads) as pool:
            found = pool.map(lambda query: self._search(query[1], hits), queries)
            return {id: ranked for (id, _), ranked in zip(queries, found, strict=True)}

    def _search(self, vector: Vector, hits: int) -> list[Hit]:
        scores = self._scores(vector)
        order = best(scores, hits)
        adjusted = adjust_ties(scores[order])
        return [
            Hit(self._ids[place], score)
            for place, score in zip(order.tolist(), adjusted.tolist(), strict=True)
        ]

    def _scores(self, vector: Vector) -> NDArray[np.float32]:
        """The score of every document, float32."""
        matrix = self._postings
        documents: list[NDArray[np.int32]] = []
        products: list[NDArray[np.float32]] = []
        for token, weight in vector.items():
            row = self._tokens.get(token)
            if row is None or not self._kept[row]:
                continue
            part = slice(matrix.indptr[row], matrix.indptr[row + 1])
            documents.append(matrix.indices[part])
            products.append(matrix.data[part].astype(np.float32) * np.float32(weight))
        if not documents:
            return np.zeros(self.documents, dtype=np.float32)
        sums = np.bincount(
            np.concatenate(documents),
            weights=np.concatenate(products),
            minlength=self.documents,
        )
        return sums.astype(np.float32)


def _transpose(
    ids: list[str], columns: array[int], weights: array[int], starts: array[int], tokens: int
) -> tuple[csr_array, list[str]]:
    """Tokens × documents, documents in the order of their ids, which settles ties."""
    order = sorted(range(len(ids)), key=ids.__getitem__)
    by_document = csr_array(
        (
            np.frombuffer(weights, dtype=np.int32),
            np.frombuffer(columns, dtype=np.int32),
            np.frombuffer(starts, dtype=np.int64),
        ),
        shape=(len(ids), tokens),
    )
    return by_document[order].T.tocsr(), [ids[place] for place in order]
