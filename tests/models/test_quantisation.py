from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.models.quantisation import BITS, Codes, dequantise, quantise

SIZES = st.integers(0, 70)


def restored(weight: torch.Tensor, bits: int, group: int) -> torch.Tensor:
    codes = quantise(weight, bits, group)
    return dequantise(codes, weight.numel(), bits, group).view(weight.shape)


@given(SIZES, st.sampled_from(list(BITS)), st.integers(1, 33), st.integers(0, 10_000))
def test_weights_are_codes_times_scales_packed_without_a_gap(
    size: int, bits: int, group: int, seed: int
) -> None:
    weight = torch.randn(size, generator=torch.Generator().manual_seed(seed)) * 3
    codes = quantise(weight, bits, group)
    assert codes.packed.numel() == bits * math.ceil(size / 8)
    most = 2 ** (bits - 1) - 1
    planes = codes.packed.view(bits, -1) if size else codes.packed.view(bits, 0)
    for place, value in enumerate(dequantise(codes, size, bits, group).tolist()):
        number = -most
        for bit in range(bits):
            byte = int(planes[bit, place // 8])
            number += ((byte >> (7 - place % 8)) & 1) << bit
        scale = float(codes.scales[place // group])
        assert -most <= number <= most
        assert value == pytest.approx(number * scale, rel=1e-6)


@pytest.mark.parametrize("bits", list(BITS))
def test_the_error_is_half_a_step_at_most_where_nothing_is_cut_off(bits: int) -> None:
    weight = torch.randn(4096, generator=torch.Generator().manual_seed(1))
    plain = weight.view(-1, 64)
    step = plain.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
    naive = (plain / step).round() * step
    off = (restored(weight, bits, 64) - weight).square().sum()
    assert off <= (naive - plain).square().sum() * 1.02  # scales are bfloat16's
    if bits == 8:
        assert (restored(weight, 8, 64).view(-1, 64) - plain).abs().le(step * 0.76).all()


def test_cutting_off_the_largest_helps_where_levels_are_few() -> None:
    weight = torch.randn(4096, generator=torch.Generator().manual_seed(1)).view(-1, 64)
    step = weight.abs().amax(1, keepdim=True) / 7
    naive = ((weight / step).round() * step - weight).norm()
    assert (restored(weight, 4, 64) - weight).norm() < 0.95 * naive


def test_small_groups_and_more_bits_are_closer() -> None:
    weight = torch.randn(100, 96, generator=torch.Generator().manual_seed(2))
    errors = [float((restored(weight, bits, 32) - weight).norm()) for bits in BITS]
    assert errors == sorted(errors, reverse=True)
    assert (restored(weight, 4, 16) - weight).norm() < (restored(weight, 4, 96) - weight).norm()


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e30])
def test_zeros_and_extreme_weights_come_back(scale: float) -> None:
    weight = torch.tensor([1.0, -0.5, 0.25, 0.0]) * scale
    torch.testing.assert_close(restored(weight, 8, 4), weight, rtol=0.02, atol=scale * 0.005)


def test_what_cannot_be_quantised_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        quantise(torch.tensor([1.0, float("inf")]), 8, 4)
    with pytest.raises(ValueError, match="bits: 9"):
        quantise(torch.ones(4), 9, 4)
    with pytest.raises(ValueError, match="group: 0"):
        quantise(torch.ones(4), 8, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda codes: Codes(codes.packed[:-1], codes.scales),
        lambda codes: Codes(codes.packed, codes.scales[:-1]),
        lambda codes: Codes(codes.packed.to(torch.int16), codes.scales),
        lambda codes: Codes(codes.packed, codes.scales.float()),
    ],
)
def test_codes_of_another_size_or_type_are_refused(wrong: object) -> None:
    codes = quantise(torch.randn(100), 5, 8)
    with pytest.raises(ValueError, match=r"100 weights in 5 bits and groups of 8 have"):
        dequantise(wrong(codes), 100, 5, 8)  # type: ignore[operator]
