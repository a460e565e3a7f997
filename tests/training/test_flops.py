from __future__ import annotations

import pytest
import torch

from hyper_ir.training.flops import flops, quadratic_ramp


def test_it_is_the_sum_of_squared_mean_activities() -> None:
    torch.manual_seed(0)
    vectors = torch.randn(4, 5)
    expected = sum((sum(abs(float(vectors[i, j])) for i in range(4)) / 4) ** 2 for j in range(5))
    assert float(flops(vectors)) == pytest.approx(expected, rel=1e-5)


def test_its_gradient_is_right_and_finite_at_zero() -> None:
    torch.manual_seed(0)
    vectors = torch.rand(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(flops, vectors)
    empty = torch.zeros(3, 4, requires_grad=True)
    torch.autograd.backward(flops(empty))
    assert empty.grad is not None
    assert not empty.grad.any()


def test_half_precision_is_summed_in_float32() -> None:
    vectors = torch.full((5000, 1), 0.1, dtype=torch.bfloat16)
    assert flops(vectors).dtype == torch.float32
    assert float(flops(vectors)) == pytest.approx(float(vectors[0]) ** 2, rel=1e-4)


def test_the_ramp_is_quadratic_and_then_flat() -> None:
    assert [quadratic_ramp(step, 4) for step in (0, 1, 2, 4, 9)] == [0, 1 / 16, 1 / 4, 1, 1]
    assert quadratic_ramp(0, 0) == 1
    with pytest.raises(ValueError, match="negative"):
        quadratic_ramp(-1, 4)
