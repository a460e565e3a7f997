"""The types this machine can multiply in, and which of them is fastest: measured, not looked up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Literal

import torch
from torch import Tensor

ProductType = Literal["float32", "bfloat16", "int8"]

TYPES: dict[ProductType, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "int8": torch.int8,
}


def fastest_type(device: torch.device, hidden: int) -> ProductType:
    """The type in which products over ``hidden`` components take the least time.

    Measured once in a process, in some milliseconds. On a GPU it is bfloat16: integers have no
    lead there that is worth their coarseness.
    """
    if device.type != "cpu":
        return "bfloat16"
    seconds = _seconds(hidden, torch.get_num_threads())
    return min(seconds, key=lambda name: seconds[name])


def has_fast_bfloat16(device: torch.device, hidden: int = 768) -> bool:
    """Whether products in bfloat16 take at most 3/4 of float32's time."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    seconds = _seconds(hidden, torch.get_num_threads())
    return seconds["bfloat16"] < 0.75 * seconds["float32"]


@cache
def _seconds(hidden: int, _threads: int) -> dict[ProductType, float]:
    """The least time of several that a product of each type takes on the CPU."""
    generator = torch.Generator().manual_seed(0)
    draw = partial(torch.randint, -127, 128, generator=generator)
    states, rows = draw((1024, hidden)).float(), draw((512, hidden)).float()
    return {name: _seconds_of(states.to(kind), rows.to(kind)) for name, kind in TYPES.items()}


def _seconds_of(states: Tensor, rows: Tensor) -> float:
    """Infinite where the machine cannot make the product, or makes it wrong.

    (torch's CPU product of int8 is wrong for one component, where strides tell rows from columns
    no more.)
    """
    space = room(states, len(rows))
    least = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        try:
            product_into(space, states, rows)
        except (RuntimeError, NotImplementedError):
            break
        least = min(least, time.perf_counter() - start)
    return least if _is_right(space, states, rows) else float("inf")


def _is_right(space: Tensor, states: Tensor, rows: Tensor) -> bool:
    """Whether some of the products lie within bfloat16's rounding of the true ones, int8's on."""
    few, others = states[:64], rows[:64]
    product = space[: len(states) * len(rows)].view(len(states), len(rows))[:64, :64].double()
    true = few.double() @ others.double().T
    size = few.double().abs() @ others.double().abs().T
    error = 0.0 if states.dtype == torch.int8 else 2.0**-7
    return bool(((product - true).abs() <= error * size).all())


def room(states: Tensor, rows: int) -> Tensor:
    """Memory for products with so many rows: fresh memory for each would cost as much as they."""
    kind = torch.int32 if states.dtype == torch.int8 else states.dtype
    return torch.empty(len(states) * rows, dtype=kind, device=states.device)


@contextmanager
def float32_sums() -> Iterator[None]:
    """Products in bfloat16 are summed in float32 throughout: a GPU may add parts in bfloat16."""
    settings = torch.backends.cuda.matmul
    before = settings.allow_bf16_reduced_precision_reduction
    settings.allow_bf16_reduced_precision_reduction = False
    try:
        yield
    finally:
        settings.allow_bf16_reduced_precision_reduction = before


def product_into(space: Tensor, states: Tensor, rows: Tensor) -> Tensor:
    """``states · rowsᵀ`` in their own type (int32 for int8), written into ``space``."""
    product = space[: len(states) * len(rows)].view(len(states), len(rows))
    multiply = torch._int_mm if states.dtype == torch.int8 else torch.mm
    multiply(states, rows.T, out=product)
    return product
