"""Weights in a few bits: neighbours share a scale, and their codes are packed in bit planes.

Quantisation is symmetric and rounds to nearest: of a group of weights, each is a whole number
from -L to L, with L = 2^(bits - 1) - 1, times the group's scale.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

BITS = range(2, 9)

SHARES = (0.96, 0.92, 0.88, 0.84, 0.8, 0.76, 0.72)
"""With few levels, a group's largest weight is better cut off than reached: of these shares of it
the one with the least squared error becomes the largest code."""


class Codes(NamedTuple):
    """A quantised tensor.

    Attributes
    ----------
    packed: ``(bits * ceil(weights / 8),)``, uint8: for each bit of the codes, from the lowest, that
        bit of all of them. A code is stored with L added.
    scales: ``(groups,)``, bfloat16, which has float32's range: differences of weights are small.
    """

    packed: Tensor
    scales: Tensor


def quantise(weight: Tensor, bits: int, group: int) -> Codes:
    """A tensor's codes; ``group`` neighbours in its flat order share a scale.

    Raises ValueError for other ``bits`` than 2 to 8, a group below 1, and weights that are NaN or
    infinite.
    """
    _check(bits, group)
    flat = weight.detach().float().flatten()
    if not bool(torch.isfinite(flat).all()):
        raise ValueError("it holds NaN or infinity")
    groups = torch.nn.functional.pad(flat, (0, -len(flat) % group)).view(-1, group)
    scales = _scales(groups, bits)
    codes = _codes(groups, scales, bits).add_(_most(bits)).to(torch.uint8).flatten()[: len(flat)]
    return Codes(torch.from_numpy(_packed(codes.numpy(), bits)), scales)


def dequantise(codes: Codes, weights: int, bits: int, group: int) -> Tensor:
    """The flat tensor of so many weights, float32: the same bits on every machine.

    Raises ValueError where the codes are of another size or type.
    """
    _check(bits, group)
    sizes = {"codes": bits * -(-weights // 8), "scales": -(-weights // group)}
    for (name, size), tensor, kind in zip(
        sizes.items(), codes, (torch.uint8, torch.bfloat16), strict=True
    ):
        if tensor.dtype != kind or tensor.shape != (size,):
            raise ValueError(
                f"{name} of {tuple(tensor.shape)} {tensor.dtype}; {weights:,} weights in {bits} "
                f"bits and groups of {group} have {(size,)} {kind}"
            )
    whole = np.zeros(len(codes.scales) * group, np.float32)
    whole[:weights] = _unpacked(codes.packed.numpy(), weights, bits)
    whole[:weights] -= _most(bits)
    groups = torch.from_numpy(whole).view(-1, group)
    return groups.mul_(codes.scales.float().unsqueeze(1)).flatten()[:weights]


def _check(bits: int, group: int) -> None:
    if bits not in BITS:
        raise ValueError(f"bits: {bits} is not from {BITS[0]} to {BITS[-1]}")
    if group < 1:
        raise ValueError(f"group: {group} is not a positive number of weights")


def _most(bits: int) -> int:
    return (1 << (bits - 1)) - 1


def _scales(groups: Tensor, bits: int) -> Tensor:
    """The scale of each group, of those tried the one with the least squared error."""
    largest = groups.abs().amax(dim=1)
    best = (largest / _most(bits)).bfloat16()
    if bits == BITS[-1]:
        return best
    least = _squared_error(groups, best, bits)
    for share in SHARES:
        scales = (largest * share / _most(bits)).bfloat16()
        error = _squared_error(groups, scales, bits)
        best = torch.where(error < least, scales, best)
        least = torch.minimum(error, least)
    return best


def _codes(groups: Tensor, scales: Tensor, bits: int) -> Tensor:
    """Whole numbers from -L to L, as float32."""
    divisors = torch.where(scales == 0, 1, scales).float().unsqueeze(1)
    return (groups / divisors).round_().clamp_(-_most(bits), _most(bits))


def _squared_error(groups: Tensor, scales: Tensor, bits: int) -> Tensor:
    restored = _codes(groups, scales, bits).mul_(scales.float().unsqueeze(1))
    return restored.sub_(groups).square_().sum(dim=1)


def _packed(codes: np.ndarray, bits: int) -> np.ndarray:
    return np.concatenate([np.packbits((codes >> place) & 1) for place in range(bits)])


def _unpacked(packed: np.ndarray, count: int, bits: int) -> np.ndarray:
    codes = np.zeros(count, np.uint8)
    for place, plane in enumerate(packed.reshape(bits, -1)):
        codes |= np.unpackbits(plane, count=count) << np.uint8(place)
    return codes
