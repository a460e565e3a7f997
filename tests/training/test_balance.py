from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from hyper_ir.training.balance import prompt_balance


@budget(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.sampled_from([0.1, 1.0, 50.0]), st.integers(0, 999))
def test_it_is_what_the_mean_lacks_of_the_greatest_entropy(
    queries: int, prompts: int, sharpness: float, seed: int
) -> None:
    torch.manual_seed(seed)
    attention = torch.softmax(sharpness * torch.randn(queries, prompts), dim=1)
    mean = [sum(column) / queries for column in zip(*attention.tolist(), strict=True)]
    entropy = -sum(part * math.log(part) for part in mean if part > 0)
    value = float(prompt_balance(attention))
    assert value == pytest.approx(math.log(prompts) - entropy, abs=1e-5)
    assert -1e-6 <= value <= math.log(prompts) + 1e-6


def test_it_counts_the_mean_and_not_how_sharply_a_query_attends() -> None:
    assert float(prompt_balance(torch.eye(4))) == pytest.approx(0, abs=1e-6)
    assert float(prompt_balance(torch.full((4, 4), 0.25))) == pytest.approx(0, abs=1e-6)
    assert float(prompt_balance(torch.eye(4)[[1, 1]])) == pytest.approx(math.log(4))


def test_gradients_are_those_of_finite_differences() -> None:
    torch.manual_seed(0)
    scores = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda scores: prompt_balance(scores.softmax(1)), scores)


def test_gradients_are_finite_where_a_prompt_has_nothing() -> None:
    attention = torch.eye(4)[[1, 1, 2]].requires_grad_()
    (gradient,) = torch.autograd.grad(prompt_balance(attention), attention)
    assert bool(gradient.isfinite().all())


def test_descent_on_it_brings_an_unused_prompt_into_use() -> None:
    torch.manual_seed(0)
    scores = torch.randn(8, 4)
    scores[:, 3] -= 6
    scores.requires_grad_()
    assert float(scores.softmax(1).mean(0)[3].detach()) < 0.1 / 4
    for _ in range(300):
        (gradient,) = torch.autograd.grad(prompt_balance(scores.softmax(1)), scores)
        with torch.no_grad():
            scores -= 20 * gradient
    assert float(scores.detach().softmax(1).mean(0).min()) > 0.5 / 4
