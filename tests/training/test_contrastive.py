from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from torch import Tensor

from hyper_ir.training.contrastive import (
    NO_DOCUMENT,
    Candidates,
    contrastive,
    document_number,
)


def naive(
    queries: Tensor, documents: Tensor, candidates: Candidates, in_batch: bool, temperature: float
) -> tuple[float, float]:
    """One query at a time, one candidate at a time; returns loss and mean number of candidates."""
    losses, counts = [], []
    ids, owners = candidates.documents.tolist(), candidates.owners.tolist()
    for i, positive in enumerate(candidates.positives.tolist()):
        gold = {ids[positive], *candidates.gold[i].tolist()}
        kept, seen = [], set()
        for column, (id, owner) in enumerate(zip(ids, owners, strict=True)):
            if not in_batch and owner != i:
                continue
            if column == positive:
                kept.append(column)
            elif id not in gold and id not in seen:
                kept.append(column)
                seen.add(id)
        scores = {c: float(queries[i] @ documents[c]) / temperature for c in kept}
        top = max(scores.values())
        total = sum(math.exp(score - top) for score in scores.values())
        losses.append(math.log(total) + top - scores[positive])
        counts.append(len(kept))
    return sum(losses) / len(losses), sum(counts) / len(counts)


@st.composite
def batches(draw: st.DrawFn) -> tuple[Tensor, Tensor, Candidates]:
    """Few document ids, so that copies and foreign gold documents are frequent; ragged owners."""
    torch.manual_seed(draw(st.integers(0, 10_000)))
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    owners = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    starts = torch.tensor([sum(sizes[:i]) for i in range(len(sizes))])
    candidates = Candidates(
        documents=torch.randint(0, 6, (sum(sizes),)),
        owners=owners,
        positives=starts + torch.tensor([draw(st.integers(0, size - 1)) for size in sizes]),
        gold=torch.randint(NO_DOCUMENT, 6, (len(sizes), draw(st.integers(0, 3)))),
    )
    width = 3
    return torch.randn(len(sizes), width), torch.randn(sum(sizes), width), candidates


@budget(max_examples=60, deadline=None)
@given(batches(), st.booleans(), st.sampled_from([1.0, 0.1]))
def test_it_equals_the_naive_loss(
    batch: tuple[Tensor, Tensor, Candidates], in_batch: bool, temperature: float
) -> None:
    terms = contrastive(*batch, in_batch=in_batch, temperature=temperature)
    loss, candidates = naive(*batch, in_batch, temperature)
    assert float(terms["ranking"]) == pytest.approx(loss, rel=1e-4, abs=1e-5)
    assert float(terms["candidates"]) == pytest.approx(candidates)


def numbers(*values: int) -> Tensor:
    return torch.tensor(values)


def test_false_negatives_get_no_gradient() -> None:
    queries = torch.ones(2, 2)
    documents = torch.ones(4, 2, requires_grad=True)
    candidates = Candidates(  # query 0: positive 10, another gold document 12, negative 11
        documents=numbers(10, 11, 12, 11),
        owners=numbers(0, 0, 1, 1),
        positives=numbers(0, 2),
        gold=torch.tensor([[12], [NO_DOCUMENT]]),
    )
    terms = contrastive(
        queries[:1],
        documents[:3],
        Candidates(
            candidates.documents[:3],
            candidates.owners[:3],
            candidates.positives[:1],
            candidates.gold[:1],
        ),
    )
    (gradient,) = torch.autograd.grad(terms["ranking"], documents)
    assert gradient[0].any()
    assert gradient[1].any()
    assert not gradient[2].any()  # gold of query 0
    assert float(terms["masked"]) == 1
    terms = contrastive(queries, documents, candidates)
    (gradient,) = torch.autograd.grad(terms["ranking"], documents)
    assert not gradient[3].any()  # a second copy of 11
    assert float(terms["ranking"].detach()) == pytest.approx((math.log(2) + math.log(3)) / 2)


def test_accuracy_is_the_share_of_positives_that_beat_all_others() -> None:
    documents = torch.tensor([[3.0], [1.0], [2.0], [5.0]])
    candidates = Candidates(
        numbers(1, 2, 3, 4), numbers(0, 0, 1, 1), numbers(0, 2), torch.empty(2, 0).long()
    )
    accuracy = [
        float(contrastive(torch.ones(2, 1), documents, candidates, in_batch=own)["accuracy"])
        for own in (False, True)
    ]
    assert accuracy == [0.5, 0.0]
    documents[3] = 2.0  # a tie is no win
    terms = contrastive(torch.ones(2, 1), documents, candidates, in_batch=False)
    assert float(terms["accuracy"]) == 0.5


def test_scores_are_float32_under_autocast() -> None:
    torch.manual_seed(0)
    queries, documents = torch.rand(2, 300) * 10, torch.rand(2, 300) * 10
    candidates = Candidates(numbers(1, 2), numbers(0, 1), numbers(0, 1), torch.empty(2, 0).long())
    with torch.autocast("cpu", torch.bfloat16):
        mixed = contrastive(queries, documents, candidates)["ranking"]
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, contrastive(queries, documents, candidates)["ranking"])


def test_document_numbers_are_the_same_everywhere_and_fit_int64() -> None:
    assert document_number("Wing#3") == 5129951844490253664
    assert document_number("a") != document_number("b")
    values = [document_number(str(i)) for i in range(1000)]
    assert len(set(values)) == 1000
    assert torch.tensor(values).tolist() == values
    assert min(values) > NO_DOCUMENT


def test_shapes_that_do_not_fit_are_refused() -> None:
    good = Candidates(numbers(1, 2), numbers(0, 1), numbers(0, 1), torch.empty(2, 0).long())
    with pytest.raises(ValueError, match=r"candidates\.positives"):
        contrastive(torch.ones(3, 1), torch.ones(2, 1), good)
    with pytest.raises(ValueError, match="documents"):
        contrastive(torch.ones(2, 1), torch.ones(2, 4), good)
