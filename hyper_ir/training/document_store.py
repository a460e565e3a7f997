"""Vectors of frozen documents on disk, memory-mapped, read by document id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from hyper_ir.files import atomic_directory
from hyper_ir.training.array_file import mapped
from hyper_ir.training.best_places import BestPlaces
from hyper_ir.training.document_files import (
    COMPONENTS,
    KIND,
    STARTS,
    VECTORS,
    WEIGHTS,
    identity,
    write_dense,
    write_sparse,
)
from hyper_ir.training.made_folder import is_made, write_settings
from hyper_ir.training.mapped_store import MappedStore

QUERIES = 256
"""Queries that a block of documents is multiplied with at once."""


class DocumentStore(MappedStore):
    """The vectors of documents, sparse or dense, in the order of the file they came from.

    Attributes
    ----------
    width: components of a vector.
    sparse: whether the vectors are sparse.
    """

    kind, record, records = KIND, "document", "documents"

    def _opened(self, folder: Path, made_of: dict[str, Any]) -> bool:
        self.width = int(made_of["width"])
        self.sparse = made_of["vocabulary"] is not None
        if self.sparse:
            self._starts = mapped(folder / STARTS)
            self._components = mapped(folder / COMPONENTS)
            self._weights = mapped(folder / WEIGHTS)
            terms = {len(self._components), len(self._weights)}
            return len(self._starts) == len(self) + 1 and terms == {int(self._starts[-1])}
        self._vectors = mapped(folder / VECTORS)
        return bool(self._vectors.shape == (len(self), self.width))

    @classmethod
    def build(
        cls,
        folder: Path,
        vectors: Path,
        width: int,
        tokens: Sequence[str] | None,
        factor: float,
        progress: bool = True,
    ) -> DocumentStore:
        """Read vectors into ``folder``, or open what is there of the same; atomic.

        The vectors are read once, in bounded memory. In a run of several processes one of them
        builds the store before the others open it.

        Parameters
        ----------
        vectors: a file or folder that ``hyper_ir.encode`` wrote.
        width: components of a vector.
        tokens: the token of each component, as the vectors name them (see
            :func:`~hyper_ir.encode.tokens.lucene_tokens`); None for dense vectors.
        factor: what weights were multiplied by to become impacts; not used for dense vectors.

        Raises
        ------
        ValueError
            For bad records, vectors of another vocabulary, width or factor, an encoding that was
            not finished, and where ``folder`` is something else.
        """
        made_of = identity(vectors, width, tokens, factor)
        if not is_made(folder, KIND, made_of):
            with atomic_directory(folder, replace=True) as partial:
                if tokens is None:
                    counts = write_dense(partial, vectors, width, progress)
                else:
                    counts = write_sparse(partial, vectors, tokens, factor, progress)
                write_settings(partial, KIND, made_of, counts)
        return cls(folder)

    def id(self, place: int) -> str:
        """The id of the document at a place of the file, from 0; ValueError for no such place."""
        return self._ids.id(place)

    def dense(self, ids: Sequence[str]) -> Tensor:
        """The documents' vectors, ``(n, width)``, float32; ValueError for an unknown id."""
        places = self._ids.places(ids)
        if not self.sparse:
            return torch.from_numpy(self._vectors[places])
        starts, components, weights = self.rows(places)
        vectors = np.zeros((len(places), self.width), dtype=np.float32)
        vectors[np.repeat(np.arange(len(places)), np.diff(starts)), components] = weights
        return torch.from_numpy(vectors)

    def rows(
        self, places: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
        """Sparse vectors by place, in the form of a CSR matrix.

        Returns
        -------
        Where each row begins and the last one ends, ``(n + 1,)``; the components that are not 0,
        ascending in each row; and their weights.

        Raises ValueError for dense vectors and for a place that is none.
        """
        if not self.sparse:
            raise ValueError(f"{self.folder}: it holds dense vectors, which have no sparse rows")
        places = np.asarray(places, dtype=np.int64)
        if len(places) and not (places.min() >= 0 and places.max() < len(self)):
            raise ValueError(f"{self.folder}: a place is not one of its {len(self):,} documents")
        first, last = self._starts[places], self._starts[places + 1]
        starts = np.zeros(len(places) + 1, dtype=np.int64)
        np.cumsum(last - first, out=starts[1:])
        chosen = np.arange(starts[-1]) + np.repeat(first - starts[:-1], last - first)
        return starts, self._components[chosen].astype(np.int32), self._weights[chosen]

    def top(
        self, queries: Tensor, k: int, block: int = 65536
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The documents with the highest inner products, exactly.

        Parameters
        ----------
        queries: ``(queries, width)``; dense vectors are multiplied on its device.
        k: documents wanted of each query.
        block: documents looked at together; memory: 2 KB for each, and a block's vectors.

        Returns
        -------
        Places and scores, both ``(queries, min(k, documents))``, best first, ties by place.

        Raises ValueError for queries of another width or with NaN.
        """
        if queries.ndim != 2 or queries.shape[1] != self.width:
            raise ValueError(
                f"queries of shape {tuple(queries.shape)}; (queries, {self.width}) is needed"
            )
        if not bool(torch.isfinite(queries).all()):
            raise ValueError("queries: they hold NaN or infinity")
        if block < 1:
            raise ValueError(f"block: {block} is not a positive number")
        best = BestPlaces(len(queries), k)
        groups = torch.split(queries.detach().float(), QUERIES) if len(queries) else ()
        for start in range(0, len(self), block):
            end = min(start + block, len(self))
            for number, scores in enumerate(self._products(start, end, groups)):
                best.add(scores, start, number * QUERIES)
        return best.arrays()

    def _products(
        self, start: int, end: int, groups: Sequence[Tensor]
    ) -> Iterator[NDArray[np.float32]]:
        """The inner products, (queries, documents), of each group of queries with a block."""
        if not self.sparse:
            vectors = torch.tensor(self._vectors[start:end])
            for group in groups:
                yield (group @ vectors.to(group.device).T).cpu().numpy()
            return
        starts = self._starts[start : end + 1]
        terms = slice(int(starts[0]), int(starts[-1]))
        kind = np.int32 if terms.stop - terms.start < 2**31 else np.int64
        parts = (self._weights[terms], self._components[terms].astype(kind))
        matrix = csr_array(
            (*parts, (starts - starts[0]).astype(kind)), shape=(end - start, self.width)
        )
        for group in groups:
            yield np.ascontiguousarray((matrix @ group.cpu().numpy().T).T)
