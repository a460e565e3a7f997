from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from torch import Tensor

from hyper_ir.training.cpr import contrastive_prompt_regularisation
from tests.models.naive_divergence import naive_jsd


def naive_cpr(attention: Tensor, tasks: list[int], reduction: str) -> tuple[float, float]:
    same: list[float] = []
    different: list[float] = []
    for i, p in enumerate(attention.tolist()):
        for j, q in enumerate(attention.tolist()):
            if i != j:
                (same if tasks[i] == tasks[j] else different).append(naive_jsd(p, q))
    if reduction == "sum":
        return sum(same), -sum(different)
    return sum(same) / max(len(same), 1), -sum(different) / max(len(different), 1)


@budget(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=6),
    st.integers(1, 5),
    st.sampled_from(["mean", "sum"]),
    st.sampled_from([0.01, 1.0, 100.0]),
    st.integers(0, 10_000),
)
def test_it_equals_the_naive_sums(
    tasks: list[int], prompts: int, reduction: str, sharpness: float, seed: int
) -> None:
    torch.manual_seed(seed)
    attention = torch.softmax(sharpness * torch.randn(len(tasks), prompts), dim=1)
    terms = contrastive_prompt_regularisation(attention, torch.tensor(tasks), reduction)  # type: ignore[arg-type]
    alignment, uniformity = naive_cpr(attention, tasks, reduction)
    assert float(terms["alignment"]) == pytest.approx(alignment, rel=1e-3, abs=1e-6)
    assert float(terms["uniformity"]) == pytest.approx(uniformity, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", ["alignment", "uniformity"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_gradients_are_those_of_finite_differences(name: str, reduction: str) -> None:
    torch.manual_seed(0)
    scores = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    tasks = torch.tensor([0, 1, 0, 1, 2])

    def term(scores: Tensor) -> Tensor:
        attention = scores.softmax(1)
        return contrastive_prompt_regularisation(attention, tasks, reduction)[name]  # type: ignore[arg-type]

    assert torch.autograd.gradcheck(term, scores)


@pytest.mark.parametrize(
    "scores",
    [
        torch.zeros(4, 5),  # identical and uniform
        torch.eye(5)[[0, 0, 1, 1]] * 1000,  # one-hot: exact zeros after softmax
        torch.eye(5)[[2, 2, 2, 2]] * 1000,  # identical and one-hot
    ],
)
def test_gradients_are_finite_at_the_edges(scores: Tensor) -> None:
    scores = scores.clone().requires_grad_()
    attention = scores.softmax(1)
    attention.retain_grad()
    terms = contrastive_prompt_regularisation(attention, torch.tensor([0, 1, 0, 1]))
    torch.autograd.backward(terms["alignment"] + terms["uniformity"])
    assert attention.grad is not None
    assert scores.grad is not None
    assert bool(attention.grad.isfinite().all())
    assert bool(scores.grad.isfinite().all())


def test_descent_on_it_parts_the_tasks_and_joins_the_queries_of_one() -> None:
    torch.manual_seed(0)
    scores = (0.1 * torch.randn(8, 4)).requires_grad_()
    tasks = torch.arange(8) % 2
    for _ in range(200):
        terms = contrastive_prompt_regularisation(scores.softmax(1), tasks)
        (gradient,) = torch.autograd.grad(terms["alignment"] + terms["uniformity"], scores)
        with torch.no_grad():
            scores -= 20 * gradient
    terms = contrastive_prompt_regularisation(scores.detach().softmax(1), tasks)
    assert float(terms["alignment"]) < 0.05
    assert float(terms["uniformity"]) < -0.6


def test_batches_of_one_task_or_one_query_give_zero() -> None:
    attention = torch.softmax(torch.randn(3, 4), 1)
    assert (
        float(contrastive_prompt_regularisation(attention, torch.zeros(3).long())["uniformity"])
        == 0
    )
    alone = contrastive_prompt_regularisation(attention[:1], torch.zeros(1).long())
    assert [float(term) for term in alone.values()] == [0, 0]


def test_settings_and_shapes_that_do_not_fit_are_refused() -> None:
    attention = torch.softmax(torch.randn(3, 4), 1)
    with pytest.raises(ValueError, match="tasks"):
        contrastive_prompt_regularisation(attention, torch.zeros(2).long())
    with pytest.raises(ValueError, match="reduction"):
        contrastive_prompt_regularisation(attention, torch.zeros(3).long(), "max")  # type: ignore[arg-type]
