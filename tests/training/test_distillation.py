from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from torch import Tensor

from hyper_ir.training.contrastive import Candidates, allowed_documents
from hyper_ir.training.distillation import Teaching, distillation
from hyper_ir.training.word_match import Matching
from tests.training.test_contrastive import batches, numbers


def naive(
    queries: Tensor, documents: Tensor, candidates: Candidates, teaching: Teaching, in_batch: bool
) -> float:
    """One query at a time, over the candidates that the ranking loss has."""
    ids, owners = candidates.documents.tolist(), candidates.owners.tolist()
    total = 0.0
    for i, positive in enumerate(candidates.positives.tolist()):
        left_out = {ids[positive], *candidates.gold[i].tolist()}
        kept = [positive]
        for column, id in enumerate(ids):
            if (in_batch or owners[column] == i) and id not in left_out:
                kept.append(column)
                left_out.add(id)
        student = [float(queries[i] @ documents[c]) for c in kept]
        teacher = [
            float(teaching.queries[i] @ teaching.documents[c]) / teaching.temperature for c in kept
        ]
        of_student = [math.exp(s) / sum(map(math.exp, student)) for s in student]
        of_teacher = [math.exp(s) / sum(map(math.exp, teacher)) for s in teacher]
        total += sum(
            p * math.log(p / q) for p, q in zip(of_teacher, of_student, strict=True) if p > 0
        )
    return total / len(queries)


@budget(max_examples=60, deadline=None)
@given(batches(), st.booleans(), st.sampled_from([1.0, 0.3]))
def test_it_equals_the_naive_divergence(
    batch: tuple[Tensor, Tensor, Candidates], in_batch: bool, temperature: float
) -> None:
    queries, documents, candidates = batch
    teaching = Teaching(
        torch.randn(len(queries), 5), torch.randn(len(documents), 5), temperature, 1.0
    )
    found = distillation(queries, documents, candidates, teaching, in_batch)
    expected = naive(queries, documents, candidates, teaching, in_batch)
    assert float(found) == pytest.approx(expected, rel=1e-4, abs=1e-5)


class Known:
    """Words whose scores are told by the document's number, as WordMatch would tell them."""

    def scores(self, words: Tensor, numbers: Tensor) -> Tensor:
        return (words[:, :1] * numbers % 7).float()


@budget(max_examples=40, deadline=None)
@given(batches(), st.booleans())
def test_bm25_is_added_to_the_teacher_s_products(
    batch: tuple[Tensor, Tensor, Candidates], in_batch: bool
) -> None:
    queries, documents, candidates = batch
    words = torch.arange(1, len(queries) + 1).unsqueeze(1)
    matching = Matching(Known(), words, 0.5)  # type: ignore[arg-type]
    products = torch.zeros(len(queries), 1), torch.zeros(len(documents), 1)
    taught = Teaching(*products, 0.1, 1.0, matching)
    found = distillation(queries, documents, candidates, taught, in_batch)
    rows = [len(documents)]
    allowed, _ = allowed_documents(candidates, rows, in_batch)
    added = matching.added(candidates.documents, allowed)
    # The same by a teacher whose inner products are what is added.
    same = Teaching(added, torch.eye(len(documents)), 0.1, 1.0)
    expected = naive(queries, documents, candidates, same, in_batch)
    assert float(found) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def batch() -> Candidates:
    return Candidates(
        documents=numbers(10, 11, 12, 11),
        owners=numbers(0, 0, 1, 1),
        positives=numbers(0, 2),
        gold=torch.tensor([[12], [13]]),
    )


def test_a_student_that_is_its_teacher_has_nothing_to_learn() -> None:
    torch.manual_seed(0)
    queries, documents = torch.randn(2, 6, requires_grad=True), torch.randn(4, 6)
    teaching = Teaching(queries.detach() * 3, documents, 3 * 0.1, 1.0)
    loss = distillation(queries, documents, batch(), teaching, temperature=0.1)
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)
    (gradient,) = torch.autograd.grad(loss, queries)
    assert float(gradient.abs().max()) < 1e-5


def test_what_is_left_out_gets_no_gradient_and_makes_no_nan() -> None:
    queries, documents = torch.ones(2, 3), torch.rand(4, 3, requires_grad=True)
    teaching = Teaching(
        torch.ones(2, 2), torch.tensor([[900.0, 0], [0, 0], [0, 900], [9, 9]]), 1, 1
    )
    loss = distillation(queries, documents, batch(), teaching)
    (gradient,) = torch.autograd.grad(loss, documents)
    assert torch.isfinite(gradient).all()
    assert not gradient[3].any()  # a second copy of 11
    assert gradient[0].any()


def test_shapes_that_do_not_fit_are_told() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        distillation(
            torch.ones(2, 3),
            torch.ones(4, 3),
            batch(),
            Teaching(torch.ones(2, 3), torch.ones(3, 3), 1, 1),
        )
