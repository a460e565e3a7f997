"""The lexical head's product in training: every text's greatest logit for each vocabulary row.

Of ``states · weightᵀ`` only the maximum over a text's tokens is wanted, and its gradient reaches
one token alone. So the product is made in blocks that are forgotten at once, and what is kept for
the backward pass is where each maximum stood: ``batch × rows`` small integers in place of
``batch × length × rows`` logits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

BLOCK = 1 << 22
"""Numbers in the largest block that lives for a moment, whatever the length, on a CPU: on two
cores 16 MiB in float32 took 2/3 of the time of 64 MiB."""

GPU_BLOCK = 1 << 27
"""The same on other devices, which need large products to be busy: 256 MiB in bfloat16."""


@torch.compiler.disable  # type: ignore[untyped-decorator]
def pooled_logits(
    states: Tensor, mask: Tensor, weight: Tensor, bias: Tensor, rows_at_once: int = 4096
) -> Tensor:
    """``max over a text's tokens of states · weightᵀ + bias``, differentiable.

    Where a maximum is reached by several tokens, the gradient goes to the first of them. Under
    autocast the product is made in autocast's type; sums and gradients are always accumulated in
    float32. Differentiable once. torch.compile leaves it as it is.

    Parameters
    ----------
    states: ``(batch, length, hidden)``.
    mask: ``(batch, length)``, non-zero for the text's own tokens; the first position always is.
    weight: ``(rows, hidden)``.
    bias: ``(rows,)``.
    rows_at_once: at most so many rows of ``weight`` are multiplied at once.

    Returns
    -------
    ``(batch, rows)`` in float32, or float64 where ``states`` is float64.
    """
    if torch.is_grad_enabled() and (
        states.requires_grad or weight.requires_grad or bias.requires_grad
    ):
        inputs = (states, mask, weight, bias, rows_at_once)
        pooled: Tensor = _PooledLogits.apply(*inputs)  # type: ignore[no-untyped-call]
        return pooled
    return _maxima(states, mask, weight, bias, rows_at_once, None)


class _PooledLogits(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: Tensor, mask: Tensor, weight: Tensor, bias: Tensor, rows_at_once: int
    ) -> Tensor:
        batch, length = mask.shape
        kind = torch.int16 if length <= torch.iinfo(torch.int16).max else torch.int32
        positions = torch.empty(batch, len(weight), dtype=kind, device=states.device)
        pooled = _maxima(states, mask, weight, bias, rows_at_once, positions)
        ctx.save_for_backward(states, weight, positions)
        ctx.bias_type = bias.dtype
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        states, weight, positions = ctx.saved_tensors
        for_states, _, for_weight, for_bias, _ = ctx.needs_input_grad
        with torch.autocast(states.device.type, enabled=False):
            bias_gradient = gradient.sum(0).to(ctx.bias_type) if for_bias else None
            states_gradient, weight_gradient = _scattered(
                gradient, positions, states, weight, for_states, for_weight
            )
        return states_gradient, None, weight_gradient, bias_gradient, None


def _maxima(
    states: Tensor,
    mask: Tensor,
    weight: Tensor,
    bias: Tensor,
    rows_at_once: int,
    positions: Tensor | None,
) -> Tensor:
    """The pooled logits; writes where each stood into ``positions``, if given."""
    device = states.device.type
    product_type = (
        torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else states.dtype
    )
    batch, length = mask.shape
    pooled = states.new_empty(batch, len(weight), dtype=_accumulator(states.dtype))
    with torch.autocast(device, enabled=False):
        real = mask.bool()
        # A padded row that repeats a real row of its text leaves the maximum as it is.
        filled = torch.where(real.unsqueeze(-1), states, states[:, :1]).to(product_type)
        block = _block(states)
        rows_at_once = max(1, min(rows_at_once, block // length))
        for rows in _slices(len(weight), rows_at_once):
            columns = weight[rows].to(product_type).T
            for texts in _slices(batch, max(1, block // (length * rows_at_once))):
                product = filled[texts] @ columns
                if positions is None:
                    pooled[texts, rows] = product.amax(1)
                    continue
                values, places = product.max(1)
                pooled[texts, rows] = values
                # Two equal rows may give products a rounding apart, so the copy may win.
                positions[texts, rows] = places * real[texts].gather(1, places)
        pooled += bias
    return pooled


def _scattered(
    gradient: Tensor,
    positions: Tensor,
    states: Tensor,
    weight: Tensor,
    for_states: bool,
    for_weight: bool,
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of states and weight from those of the maxima that have one.

    Behind a ReLU most have none, so the product that carries the rest back is sparse.
    """
    batch, length, hidden = states.shape
    accumulator = _accumulator(states.dtype)
    states_gradient = torch.empty_like(states) if for_states else None
    weight_gradient = torch.zeros_like(weight, dtype=accumulator) if for_weight else None
    rows_of_weight = weight.to(accumulator)
    for texts in _slices(batch, max(1, _block(states) // max(len(weight), length * hidden))):
        text, row = gradient[texts].nonzero(as_tuple=True)
        token = text * length + positions[texts][text, row]
        part = states[texts]
        placed = torch.sparse_coo_tensor(
            torch.stack([token, row]),
            gradient[texts][text, row].to(accumulator),
            (len(part) * length, len(weight)),
            check_invariants=False,
        )
        if states_gradient is not None:
            states_gradient[texts] = torch.sparse.mm(placed, rows_of_weight).view(part.shape)
        if weight_gradient is not None:
            weight_gradient.addmm_(placed.T, part.reshape(-1, hidden).to(accumulator))
    if weight_gradient is not None:
        weight_gradient = weight_gradient.to(weight.dtype)
    return states_gradient, weight_gradient


def _slices(total: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, total)) for start in range(0, total, size))


def _block(states: Tensor) -> int:
    return BLOCK if states.device.type == "cpu" else GPU_BLOCK


def _accumulator(kind: torch.dtype) -> torch.dtype:
    return torch.float64 if kind == torch.float64 else torch.float32
