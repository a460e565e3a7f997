"""Distillation: the student's distribution over a query's candidates follows a teacher's."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hyper_ir.training.contrastive import (
    Candidates,
    allowed_documents,
    check_shapes,
    scores_of,
)
from hyper_ir.training.gathering import gathered, ranks, rows_of_ranks
from hyper_ir.training.word_match import Matching


@dataclass(frozen=True)
class Teaching:
    """A batch as a teacher sees it.

    Attributes
    ----------
    queries: ``(queries, width of the teacher)``, without gradient.
    documents: ``(documents, width of the teacher)``, without gradient.
    temperature: divides the teacher's scores.
    weight: of the divergence in the objective.
    matching: what BM25 adds to the inner products; None for nothing.
    """

    queries: Tensor
    documents: Tensor
    temperature: float
    weight: float
    matching: Matching | None = None


def distillation(
    queries: Tensor,
    documents: Tensor,
    candidates: Candidates,
    teaching: Teaching,
    in_batch: bool = True,
    temperature: float = 1.0,
) -> Tensor:
    """``KL(teacher ‖ student)`` of the softmax over a query's candidates, mean over the batch.

    Both see the same candidates, which are those of
    :func:`~hyper_ir.training.contrastive.contrastive`: the batch's other documents are judged by
    the teacher, too, and copies and other gold of the query are left out.

    Parameters
    ----------
    queries, documents: the student's vectors, ``(queries, width)`` and ``(documents, width)``.
    temperature: divides the student's scores.

    Returns
    -------
    A scalar with gradient; its mean over ranks is the global batch's.

    Raises
    ------
    ValueError
        When shapes do not fit each other.
    """
    check_shapes(queries, documents, candidates)
    check_shapes(teaching.queries, teaching.documents, candidates)
    rows = rows_of_ranks(documents) if in_batch else [len(documents)]
    allowed, _ = allowed_documents(candidates, rows, in_batch)
    with torch.no_grad():
        of_teacher = scores_of(teaching.queries, teaching.documents, rows, in_batch)
        if teaching.matching is not None:
            numbers = candidates.documents
            numbers = gathered(numbers, rows) if in_batch else numbers
            of_teacher += teaching.matching.added(numbers, allowed)
    taught = _log_softmax(of_teacher / teaching.temperature, allowed)
    learnt = _log_softmax(scores_of(queries, documents, rows, in_batch) / temperature, allowed)
    # What is left out has probability 0 in both; -inf less -inf must not reach the sum.
    difference = (taught - learnt).masked_fill(~allowed, 0.0)
    share = ranks() / sum(rows_of_ranks(queries))
    return (taught.exp() * difference).sum() * share


def _log_softmax(scores: Tensor, allowed: Tensor) -> Tensor:
    return torch.log_softmax(scores.masked_fill(~allowed, -torch.inf), dim=1)
