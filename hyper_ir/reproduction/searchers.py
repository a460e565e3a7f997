"""Searching a collection exactly: sparse vectors with Lucene's scores, dense ones by products."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from hyper_ir.data.records import Hit
from hyper_ir.lucene.searching import BM25Searcher, ImpactSearcher
from hyper_ir.search.exact import ExactSearcher
from hyper_ir.training.document_store import DocumentStore

Kind = Literal["bm25", "impact", "vectors", "dense"]


class DenseSearcher:
    """Inner products with all documents of a store; nothing of it is kept in memory.

    Parameters
    ----------
    store: of dense vectors.
    """

    def __init__(self, store: DocumentStore) -> None:
        if store.sparse:
            raise ValueError(f"{store.folder}: it holds sparse vectors; dense ones are needed")
        self.store = store

    def search(
        self, queries: Sequence[tuple[str, np.ndarray[Any, Any]]], hits: int, threads: int = 1
    ) -> dict[str, list[Hit]]:
        """The best ``hits`` documents of every ``(id, vector)``, by its id; ties by place."""
        vectors = torch.from_numpy(np.stack([vector for _, vector in queries]))
        places, scores = self.store.top(vectors, hits)
        return {
            id: [
                Hit(self.store.id(place), score)
                for place, score in zip(row.tolist(), values.tolist(), strict=True)
            ]
            for (id, _), row, values in zip(queries, places, scores, strict=True)
        }


class Searchers:
    """Searchers that stay open: one a collection and backbone, whatever cell asks."""

    def __init__(self) -> None:
        self._open: dict[tuple[Kind, Path], Any] = {}

    def get(self, kind: Kind, path: Path) -> Any:
        """The searcher of an index (``bm25``, ``impact``), of vectors, or of a dense store."""
        if (kind, path) not in self._open:
            self._open[kind, path] = open_searcher(kind, path)
        return self._open[kind, path]


def open_searcher(kind: Kind, path: Path) -> Any:
    """A searcher of its own; see :meth:`Searchers.get`."""
    if kind == "bm25":
        return BM25Searcher(path)
    if kind == "impact":
        return ImpactSearcher(path)
    if kind == "vectors":
        return ExactSearcher.from_files(path, progress=False)
    return DenseSearcher(DocumentStore.open(path))
