"""A batch's documents: token ids to be encoded, or the vectors of frozen documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hyper_ir.encode.engine import padded
from hyper_ir.training.document_store import DocumentStore
from hyper_ir.training.token_store import TokenStore


@dataclass(frozen=True)
class DocumentTexts:
    """Documents that the model encodes anew in each batch.

    Attributes
    ----------
    store: their token ids.
    padding: the tokenizer's padding id.
    """

    store: TokenStore
    padding: int

    def tensors(self, ids: Sequence[str]) -> dict[str, Tensor]:
        """``document_ids`` and ``document_mask``, (documents, length) int64."""
        rows = [self.store.tokens(id) for id in ids]
        input_ids, mask = padded(rows, self.padding)
        return {"document_ids": input_ids, "document_mask": mask}


@dataclass(frozen=True)
class DocumentVectors:
    """Documents whose vectors are there.

    Attributes
    ----------
    store: their vectors.
    """

    store: DocumentStore

    def tensors(self, ids: Sequence[str]) -> dict[str, Tensor]:
        """The vectors, as arguments of the model.

        Sparse: ``document_starts`` (documents + 1,), ``document_components`` and
        ``document_weights``, both (active components,). Dense: ``document_vectors``
        (documents, width).
        """
        if not self.store.sparse:
            return {"document_vectors": self.store.dense(ids)}
        places = np.array([self.store.place(id) for id in ids], dtype=np.int64)
        starts, components, weights = self.store.rows(places)
        return {
            "document_starts": torch.from_numpy(np.asarray(starts, dtype=np.int64)),
            "document_components": torch.from_numpy(np.asarray(components, dtype=np.int64)),
            "document_weights": torch.from_numpy(np.asarray(weights, dtype=np.float32)),
        }


def stored_vectors(
    width: int,
    document_vectors: Tensor | None = None,
    document_starts: Tensor | None = None,
    document_components: Tensor | None = None,
    document_weights: Tensor | None = None,
) -> Tensor:
    """What :class:`DocumentVectors` read, as a matrix (documents, width).

    Raises ValueError where neither kind of vectors is given.
    """
    if document_vectors is not None:
        return document_vectors
    if document_starts is None or document_components is None or document_weights is None:
        raise ValueError("a batch needs its documents' token ids or vectors")
    return densified(document_starts, document_components, document_weights, width)


def densified(starts: Tensor, components: Tensor, weights: Tensor, width: int) -> Tensor:
    """Sparse rows as a matrix, (documents, width) float32, on their device."""
    rows = torch.repeat_interleave(
        torch.arange(len(starts) - 1, device=starts.device), starts.diff()
    )
    dense = weights.new_zeros(len(starts) - 1, width)
    return dense.index_put((rows, components), weights)
