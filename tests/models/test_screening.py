from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from torch import Tensor

from hyper_ir.models import arithmetic
from hyper_ir.models import screening as module
from hyper_ir.models.arithmetic import product_into
from hyper_ir.models.heads import LexicalHead
from hyper_ir.models.screening import Screen, Screening, screened_logits

KINDS: Any = ["int8", "bfloat16"]

INT8_WORKS = arithmetic._seconds(64, torch.get_num_threads())["int8"] < float("inf")


@pytest.fixture(scope="module", autouse=True)
def exact_products() -> Iterator[None]:
    """What is bounded is rounding: a CPU whose int8 products are wrong never screens with them.

    There the tests take exact ones, in a type that it multiplies well.
    """

    def exact(space: Tensor, states: Tensor, rows: Tensor) -> Tensor:
        product = product_into(space, states, rows)
        if states.dtype == torch.int8:
            product.copy_(states.double() @ rows.double().T)
        return product

    with pytest.MonkeyPatch.context() as patch:
        if not INT8_WORKS:
            patch.setattr(module, "product_into", exact)
        yield


def naive(states: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Every logit of every token in float64, then the maximum over a text's own tokens."""
    logits = states.double() @ weight.double().T + bias.double()
    return logits.masked_fill(~mask.bool().unsqueeze(2), -torch.inf).amax(1)


def inputs(seed: int, batch: int = 3, length: int = 7, hidden: int = 24, rows: int = 50) -> Any:
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(batch, length, hidden, generator=generator)
    weight = torch.randn(rows, hidden, generator=generator) * 0.3
    bias = torch.randn(rows, generator=generator) - 3
    lengths = torch.randint(1, length + 1, (batch,), generator=generator)
    mask = (torch.arange(length)[None] < lengths[:, None]).long()
    return states, mask, weight, bias


@budget(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    kind=st.sampled_from(KINDS),
    floor=st.sampled_from([0.0, 0.005, 0.5, 2.0]),
    scale=st.sampled_from([1e-3, 1.0, 30.0]),
    outlier=st.sampled_from([1.0, 100.0]),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(2, 40), st.integers(1, 70)),
)
def test_no_logit_above_the_floor_is_missed_and_each_is_the_naive_one(
    seed: int, kind: Any, floor: float, scale: float, outlier: float, shape: Any
) -> None:
    states, mask, weight, bias = inputs(seed, *shape)
    states = states * scale
    states[..., 0] *= outlier  # a component that would spoil everybody's int8 scale
    screen = Screen(weight, bias, kind, states.flatten(0, 1))
    expected = naive(states, mask, weight, bias)
    found = screened_logits(states, mask, weight, bias, screen, floor)
    above = expected > floor * (1 + 1e-5) + 1e-6 * expected.abs().amax()
    torch.testing.assert_close(found[above].double(), expected[above], rtol=1e-5, atol=1e-4 * scale)
    assert ((found <= floor) | (expected > floor * (1 - 1e-3) - 1e-4 * scale * outlier)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_margin_covers_what_rounding_really_loses(kind: Any) -> None:
    """Rows that stand along the rounding error of a state lose as much as the bound allows."""
    states, mask, weight, bias = inputs(1, batch=4, length=1, hidden=64, rows=8)
    rounded = Screen(weight, bias, kind, weight)  # nothing to balance
    cheap, scales = rounded._rounded(states)
    back = cheap.float() if scales is None else cheap * scales.view(-1, 1, 1)
    worst = (states - back).flatten(0, 1)
    weight = worst / worst.norm(dim=1, keepdim=True)
    true = naive(states, mask, weight, torch.zeros(4)).float()
    bias = -true.diagonal() + 1e-3  # each text's own row is above 0 by a hair
    screen = Screen(weight, bias, kind, weight)
    assert screen.survivors(states, mask, 0.0).diagonal().all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hidden", [384, 768])
def test_survivors_have_the_bits_of_a_linear_layer(kind: Any, hidden: int) -> None:
    """At the sizes of real models; tiny products go through other kernels."""
    states, _, weight, bias = inputs(1, batch=6, length=40, hidden=hidden, rows=3000)
    bias = bias - hidden**0.5
    mask = torch.ones(6, 40, dtype=torch.long)
    logits = torch.nn.functional.linear(states, weight, bias)
    some = torch.baddbmm(bias[:200].expand(6, 40, -1), states, weight[:200].T.expand(6, -1, -1))
    if not some.equal(logits[..., :200]):
        pytest.skip("on this machine products of other shapes are rounded otherwise")
    plain = logits.amax(1)
    screen = Screen(weight, bias, kind, states.flatten(0, 1))
    found = screened_logits(states, mask, weight, bias, screen, 0.0)
    above = plain > 0
    assert 10 < above.sum() < 2000
    assert found[above].equal(plain[above])


@pytest.mark.parametrize("kind", KINDS)
def test_few_survive_where_few_matter(kind: Any) -> None:
    states, mask, weight, bias = inputs(2, batch=8, length=30, hidden=384, rows=2000)
    screen = Screen(weight, bias - 18, kind, states.flatten(0, 1))
    needed = (naive(states, mask, weight, bias - 18) > 0).sum()
    assert 20 < needed <= screen.survivors(states, mask, 0.0).sum() < 1.5 * needed + 100


@pytest.mark.parametrize("kind", KINDS)
def test_small_blocks_change_nothing(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    states, mask, weight, bias = inputs(3)
    screen = Screen(weight, bias, kind, states.flatten(0, 1))
    whole = screened_logits(states, mask, weight, bias, screen, 0.1)
    monkeypatch.setattr(module, "BLOCK", 64)
    assert screened_logits(states, mask, weight, bias, screen, 0.1).isclose(whole, atol=1e-6).all()


def test_where_most_survive_all_are_computed() -> None:
    states, mask, weight, bias = inputs(4)
    screen = Screen(weight, bias + 50, "int8", states.flatten(0, 1))
    found = screened_logits(states, mask, weight, bias + 50, screen, 0.0)
    expected = naive(states, mask, weight, bias + 50)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("kind", KINDS)
def test_states_that_are_no_numbers_are_not_screened_away(kind: Any, bad: float) -> None:
    states, mask, weight, bias = inputs(5)
    screen = Screen(weight, bias - 100, kind, states.flatten(0, 1))
    states[1, 0, 3] = bad
    found = screened_logits(states, mask, weight, bias - 100, screen, 0.0)
    assert found[1].isnan().all()
    assert not found[0].isnan().any()


def test_padding_may_hold_anything_finite() -> None:
    states, mask, weight, bias = inputs(6)
    changed = torch.where(mask.bool().unsqueeze(2), states, torch.full_like(states, 1e4))
    screen = Screen(weight, bias, "int8", states.flatten(0, 1))
    first = screened_logits(states, mask, weight, bias, screen, 0.0)
    assert screened_logits(changed, mask, weight, bias, screen, 0.0).equal(first)


@pytest.mark.parametrize("activation", ["relu", "log1p_relu"])
@pytest.mark.parametrize("kind", [*KINDS, "float32", "auto"])
@torch.no_grad()
def test_a_screened_head_gives_the_plain_heads_weights(activation: Any, kind: Any) -> None:
    states, mask, weight, bias = inputs(7)
    head = LexicalHead(weight, bias, activation=activation)
    plain = head(states, mask)
    screening = head.screening(least=0.1, kind=kind)
    screened = head(states, mask, None, screening)
    expected = plain if kind == "float32" else torch.where(plain > 0.1, plain, 0)
    wanted = plain > 0.1
    assert 0 < wanted.sum() < wanted.numel()
    assert screened[wanted].isclose(expected[wanted], atol=1e-6).all()
    assert (screened[~wanted] <= 0.1 + 1e-6).all()


@torch.no_grad()
def test_changed_weights_are_screened_anew() -> None:
    states, mask, weight, bias = inputs(8)
    head = LexicalHead(weight, bias)
    screening = head.screening(kind="int8")
    assert screening is not None
    head(states, mask, None, screening)
    head.weight.mul_(-2)
    expected = naive(states, mask, head.weight, bias).clamp(min=0).log1p()
    found = head(states, mask, None, screening)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4)


def test_a_head_that_sums_is_not_screened() -> None:
    _, _, weight, bias = inputs(9)
    assert LexicalHead(weight, bias, pooling="sum").screening() is None


def test_a_huge_least_weight_overflows_nowhere() -> None:
    states, mask, weight, bias = inputs(10)
    head = LexicalHead(weight, bias, activation="log1p_relu")
    screening = head.screening(least=1e6, kind="int8")
    assert isinstance(screening, Screening)
    with torch.no_grad():
        assert not head(states, mask, None, screening).any()
