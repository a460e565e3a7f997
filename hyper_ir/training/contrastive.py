"""The ranking loss: a query's positive against its hard negatives and the rest of the batch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from hyper_ir.training.gathering import gathered, rank, ranks, rows_of_ranks

NO_DOCUMENT = -1
"""Fills the rows of ``Candidates.gold`` that hold fewer gold documents than the longest."""


def document_number(id: str) -> int:
    """A document id as a number from 0 to 2⁶³ − 1 that is the same in every process.

    It is a hash: among a million ids, two share a number with probability 5e-8.
    """
    digest = hashlib.blake2b(id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


@dataclass(frozen=True)
class Candidates:
    """Which document belongs to which query, in this rank's share of the batch.

    Attributes
    ----------
    documents: ``(documents,)``, int64: each one's :func:`document_number`.
    owners: ``(documents,)``, int64: the row of the query that brought it.
    positives: ``(queries,)``, int64: the row of each query's positive among the documents.
    gold: ``(queries, most)``, int64: numbers of all gold documents of each query, or of its gold
        pages where ``pages`` is given, filled up with NO_DOCUMENT.
    pages: ``(documents,)``, int64: the number of each document's page, where whole pages are gold;
        None where documents are.
    """

    documents: Tensor
    owners: Tensor
    positives: Tensor
    gold: Tensor
    pages: Tensor | None = None


def contrastive(
    queries: Tensor,
    documents: Tensor,
    candidates: Candidates,
    in_batch: bool = True,
    temperature: float = 1.0,
) -> dict[str, Tensor]:
    """``−log softmax`` of the positive's score among its candidates, mean over the global batch.

    Candidates are the documents a query brought and, ``in_batch``, all others of the global
    batch. Left out are a gold document of the query other than the positive in hand (or any on a
    gold page of it), and every copy of a document but the first. The scores are inner products, in
    float32.

    Parameters
    ----------
    queries: ``(queries, width)``.
    documents: ``(documents, width)``.
    temperature: divides the scores; 1 for lexical vectors.

    Returns
    -------
    ``ranking``: the loss; without gradient, of this rank's queries: ``accuracy`` (the share whose
    positive beats all other candidates), ``candidates`` (their mean number), and ``masked`` (the
    mean number of documents left out).

    Raises
    ------
    ValueError
        When shapes do not fit each other.
    """
    check_shapes(queries, documents, candidates)
    rows = rows_of_ranks(documents) if in_batch else [len(documents)]
    allowed, positives = allowed_documents(candidates, rows, in_batch)
    scores = scores_of(queries, documents, rows, in_batch) / temperature
    of_positives = scores.gather(1, positives.unsqueeze(1)).squeeze(1)
    losses = scores.masked_fill(~allowed, -torch.inf).logsumexp(1) - of_positives
    share = ranks() / sum(rows_of_ranks(queries))
    with torch.no_grad():
        rivals = allowed.scatter(1, positives.unsqueeze(1), False)
        beaten = (scores < of_positives.unsqueeze(1)) | ~rivals
        seen = allowed.new_tensor(
            sum(rows) if in_batch else len(documents) / len(queries), dtype=losses.dtype
        )
        count = allowed.sum(1).to(losses.dtype).mean()
        accuracy = beaten.all(1).to(losses.dtype).mean()
    return {
        "ranking": losses.sum() * share,
        "accuracy": accuracy,
        "candidates": count,
        "masked": seen - count,
    }


def scores_of(queries: Tensor, documents: Tensor, rows: list[int], in_batch: bool) -> Tensor:
    """Inner products in float32 (float64 stays), (queries, all documents).

    ``rows``: documents of each rank; with ``in_batch`` those of all ranks are scored.
    """
    with torch.autocast(queries.device.type, enabled=False):
        others = gathered(documents, rows) if in_batch else documents
        return _wide(queries) @ _wide(others).T


def allowed_documents(
    candidates: Candidates, rows: list[int], in_batch: bool
) -> tuple[Tensor, Tensor]:
    """Which documents count, (queries, all documents), and the column of each positive."""
    numbers, positives = candidates.documents, candidates.positives
    units = numbers if candidates.pages is None else candidates.pages
    allowed = torch.ones(len(positives), sum(rows), dtype=torch.bool, device=positives.device)
    own = units[positives].unsqueeze(1)
    if in_batch:
        numbers, units = gathered(numbers, rows), gathered(units, rows)
        positives = positives + sum(rows[: rank()])
        allowed &= _first_of_its_kind(numbers)
    else:
        queries = torch.arange(len(positives), device=positives.device)
        allowed &= candidates.owners == queries.unsqueeze(1)
        kinds = torch.unique(numbers, return_inverse=True)[1]
        allowed &= _first_of_its_kind(kinds * len(positives) + candidates.owners)
    for gold in torch.cat([own, candidates.gold], dim=1).unbind(1):
        allowed &= units != gold.unsqueeze(1)
    return allowed.scatter(1, positives.unsqueeze(1), True), positives


def _first_of_its_kind(kinds: Tensor) -> Tensor:
    """Whether no earlier element is equal, (n,) to (n,)."""
    order = torch.arange(len(kinds), device=kinds.device)
    values, place = torch.unique(kinds, return_inverse=True)
    first = order.new_full((len(values),), len(kinds)).scatter_reduce(0, place, order, "amin")
    return first[place] == order


def check_shapes(queries: Tensor, documents: Tensor, candidates: Candidates) -> None:
    """Raise ValueError where vectors and candidates do not fit each other."""
    shapes = {
        "documents": (documents.ndim == 2 and documents.shape[1:] == queries.shape[1:]),
        "candidates.documents": candidates.documents.shape == documents.shape[:1],
        "candidates.owners": candidates.owners.shape == documents.shape[:1],
        "candidates.positives": candidates.positives.shape == queries.shape[:1],
        "candidates.gold": candidates.gold.ndim == 2 and len(candidates.gold) == len(queries),
        "candidates.pages": candidates.pages is None
        or candidates.pages.shape == documents.shape[:1],
    }
    wrong = [name for name, fits in shapes.items() if not fits]
    if wrong:
        raise ValueError(
            f"{', '.join(wrong)}: the shape does not fit {tuple(queries.shape)} queries "
            f"and {tuple(documents.shape)} documents"
        )


def _wide(vectors: Tensor) -> Tensor:
    return vectors if vectors.dtype == torch.float64 else vectors.float()
