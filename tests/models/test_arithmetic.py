from __future__ import annotations

import pytest
import torch

from hyper_ir.models import arithmetic
from hyper_ir.models.arithmetic import (
    TYPES,
    fastest_type,
    float32_sums,
    has_fast_bfloat16,
    product_into,
    room,
)

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", list(TYPES))
def test_products_are_written_into_the_room_made_for_them(name: str) -> None:
    torch.manual_seed(0)
    kind = TYPES[name]  # type: ignore[index]
    states, rows = ((torch.randn(n, 16) * 20).to(kind) for n in (5, 7))
    space = room(states, 9)
    product = product_into(space, states, rows)
    assert product.data_ptr() == space.data_ptr()
    expected = states.double() @ rows.double().T
    assert product.double().isclose(expected, rtol=2**-8, atol=1e-3).all()


def test_the_type_of_least_time_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for fastest in TYPES:
        seconds = {name: 1.0 if name == fastest else 2.0 for name in TYPES}
        monkeypatch.setattr(arithmetic, "_seconds", lambda *_, seconds=seconds: seconds)
        assert fastest_type(CPU, 8) == fastest
        assert has_fast_bfloat16(CPU) == (fastest == "bfloat16")


def test_what_a_machine_cannot_do_is_never_fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise RuntimeError("not implemented for 'Char'")

    monkeypatch.setattr(torch, "_int_mm", missing)
    arithmetic._seconds.cache_clear()
    try:
        assert arithmetic._seconds(8, 1)["int8"] == float("inf")
        assert fastest_type(CPU, 8) != "int8"
    finally:
        arithmetic._seconds.cache_clear()


def test_sums_are_in_float32_and_the_setting_is_restored() -> None:
    settings = torch.backends.cuda.matmul
    before = settings.allow_bf16_reduced_precision_reduction
    with float32_sums():
        assert not settings.allow_bf16_reduced_precision_reduction
    assert settings.allow_bf16_reduced_precision_reduction == before


def test_what_was_measured_is_measured_once() -> None:
    assert arithmetic._seconds(24, 7) is arithmetic._seconds(24, 7)


@pytest.mark.parametrize("name", list(TYPES))
def test_wrong_products_are_never_fastest(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = arithmetic.product_into

    def wrong(space: torch.Tensor, states: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        product = right(space, states, rows)
        if states.dtype == TYPES[name]:  # type: ignore[index]
            product[3, 4] += 1 + product[3, 4].abs()
        return product

    before = arithmetic._seconds.__wrapped__(96, 1)[name]  # type: ignore[index]
    if name == "int8" and before == float("inf"):
        pytest.skip("this machine's own products of int8 are wrong")
    assert before < float("inf")
    monkeypatch.setattr(arithmetic, "product_into", wrong)
    assert arithmetic._seconds.__wrapped__(96, 1)[name] == float("inf")  # type: ignore[index]


def test_products_that_saturate_are_never_fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without VNNI a CPU adds pairs of products of states + 128 and rows in 16 bits: too few."""
    right = arithmetic.product_into

    def saturating(space: torch.Tensor, states: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        product = right(space, states, rows)
        if states.dtype == torch.int8:
            raised, plain = states.int() + 128, rows.int()
            pairs = raised.view(len(raised), 1, -1, 2) * plain.view(1, len(plain), -1, 2)
            sums = pairs.sum(3).clamp(-(2**15), 2**15 - 1).sum(2)
            product.copy_(sums - 128 * plain.sum(1))
        return product

    monkeypatch.setattr(arithmetic, "product_into", saturating)
    assert arithmetic._seconds.__wrapped__(8, 1)["int8"] == float("inf")


def test_one_component_is_not_multiplied_in_int8_where_that_is_wrong() -> None:
    seconds = arithmetic._seconds.__wrapped__(1, 1)
    states, rows = torch.ones(3, 1, dtype=torch.int8), torch.ones(5, 1, dtype=torch.int8)
    product = product_into(room(states, 5), states, rows)
    assert (product == 1).all() or seconds["int8"] == float("inf")
