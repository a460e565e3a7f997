"""The lexical head in inference: a cheap product finds what the exact one is needed for.

A text's weights are non-zero for a few hundred of the vocabulary's tokens. So the product of all
tokens with all rows is made in 8-bit integers or bfloat16, whose distance from the true one is
bounded; a row whose maximum stays below the floor even so is done with, and the others' logits
are computed in float32. The result is the plain head's (METHOD §9, "Screened head").

The bound. For a state s and a row w, rounded to ŝ and ŵ, Cauchy and Schwarz give
``|s·w − ŝ·ŵ| ≤ ‖s − ŝ‖ ‖w‖ + ‖ŝ‖ ‖w − ŵ‖``; the norms are computed from the numbers themselves, not
estimated. A sum of d products in arithmetic of unit round-off u adds at most
``γ ‖s‖ ‖w‖, γ = d·u / (1 − d·u)`` (Higham, Accuracy and Stability of Numerical Algorithms, §3.1).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from hyper_ir.models.arithmetic import ProductType, fastest_type, float32_sums, product_into, room
from hyper_ir.models.pooled_head import pooled_logits

ScreenKind = Literal["int8", "bfloat16"]

BLOCK = 1 << 20
"""Numbers in the largest block of the cheap product on a CPU: it must stay in the cache."""

GPU_BLOCK = 1 << 27
"""The same on other devices, which need large products to be busy."""

FEW = 32
"""Products with fewer rows are left to other kernels, which round sums in another order."""

SLACK = 2.0**-20
"""Relative error granted to each step that is not part of the bound: norms, scales, additions."""


class Screen:
    """A head's rows in cheap arithmetic, with what the bound needs.

    Parameters
    ----------
    weight: ``(rows, hidden)``, float32.
    bias: ``(rows,)``.
    kind: ``"int8"`` (integer products are exact; rounding is coarse) or ``"bfloat16"``.
    sample: ``(any, hidden)``: some states. Components that are large in all of them are scaled
        down, and up in the rows, before rounding to int8, which loses less so; the product of the
        two is the same. It makes the bound tight or loose, never wrong.
    """

    def __init__(self, weight: Tensor, bias: Tensor, kind: ScreenKind, sample: Tensor) -> None:
        self.kind = kind
        self.bias = bias.detach().float()
        weight = weight.detach().float()
        self.balance: Tensor | None = None
        self.scales: Tensor | None = None
        if kind == "int8":
            self.balance = _balance(weight, sample.float())
            weight = weight * self.balance
            self.scales = _scales(weight.abs().amax(1))
            self.rows = _codes(weight, self.scales)
            rounded = self.rows * self.scales.unsqueeze(1)
        else:
            self.rows = weight.bfloat16()
            rounded = self.rows.float()
        # What stands beside each text's own two factors in the margin, (2, rows).
        own, lost = weight.norm(dim=1), (weight - rounded).norm(dim=1)
        self.factors = torch.stack([own, lost + _gamma(weight) * own])

    def survivors(self, states: Tensor, mask: Tensor, floor: float) -> Tensor:
        """Which logits may be above ``floor`` somewhere in their text, ``(batch, rows)``.

        None that is above it is missed. A text whose states are not finite has none.
        """
        batch, length = mask.shape
        # A padded row that repeats a real row of its text leaves the maximum as it is.
        filled = torch.where(mask.bool().unsqueeze(-1), states, states[:, :1])
        if self.balance is not None:
            filled = filled / self.balance
        cheap, scales = self._rounded(filled)
        rounded = cheap.float() if scales is None else cheap * scales.view(-1, 1, 1)
        lost = (filled - rounded).norm(dim=2).amax(1)
        size = torch.maximum(filled.norm(dim=2), rounded.norm(dim=2)).amax(1)
        reach = torch.stack([lost + 2 * _gamma(states) * size, size], dim=1) * (1 + 2**-10)
        found = torch.empty(batch, len(self.rows), dtype=torch.bool, device=states.device)
        width = max(1, (BLOCK if states.device.type == "cpu" else GPU_BLOCK) // (batch * length))
        flat = cheap.flatten(0, 1)
        space = room(flat, min(width, len(self.rows)))
        for start in range(0, len(self.rows), width):
            rows = slice(start, min(start + width, len(self.rows)))
            product = product_into(space, flat, self.rows[rows])
            peak = product.view(batch, length, -1).amax(1).float()
            if scales is not None and self.scales is not None:
                peak *= scales.unsqueeze(1) * self.scales[rows]
            rounding = SLACK if scales is not None else 2.0**-8  # of a result in bfloat16
            margin = reach @ self.factors[:, rows]
            margin += rounding * peak.abs() + SLACK * self.bias[rows].abs()
            found[:, rows] = peak + self.bias[rows] + margin > floor
        return found

    def _rounded(self, states: Tensor) -> tuple[Tensor, Tensor | None]:
        """Cheap states, and for int8 each text's scale: one a text, so that maxima compare."""
        if self.kind == "bfloat16":
            return states.bfloat16(), None
        scales = _scales(states.abs().amax((1, 2)))
        return _codes(states, scales.view(-1, 1)), scales


def screened_logits(
    states: Tensor, mask: Tensor, weight: Tensor, bias: Tensor, screen: Screen, floor: float
) -> Tensor:
    """:func:`~hyper_ir.models.pooled_head.pooled_logits` of those above ``floor``, else −∞.

    Parameters
    ----------
    states: ``(batch, length, hidden)``, float32.
    mask, weight, bias: as there.
    screen: made of the same weight and bias.

    Returns
    -------
    ``(batch, rows)``, float32; NaN for a text whose states are not finite.
    """
    with float32_sums():
        found = screen.survivors(states, mask, floor)
    counts = found.sum(1)
    width = int(counts.max())
    pooled = torch.full(found.shape, -torch.inf, device=states.device)
    if 2 * width > len(weight):
        pooled = pooled_logits(states, mask, weight, bias)
    elif width:
        width = min(max(width, FEW), len(weight))
        _recompute(pooled, found, counts, width, (states, mask, weight, bias))
    broken = ~torch.isfinite(states).all(dim=2).logical_or(~mask.bool()).all(dim=1)
    return pooled.masked_fill_(broken.unsqueeze(1), torch.nan)


def _recompute(
    pooled: Tensor,
    found: Tensor,
    counts: Tensor,
    width: int,
    head: tuple[Tensor, Tensor, Tensor, Tensor],
) -> None:
    """Write the float32 logits of the survivors, at most ``width`` a text, into ``pooled``."""
    states, mask, weight, bias = head
    batch, length = mask.shape
    text, row = found.nonzero(as_tuple=True)
    first = counts.cumsum(0) - counts
    place = torch.arange(len(text), device=text.device) - first[text]
    # A text with fewer survivors is filled up with row 0, whose logit is as true as the others'.
    chosen = row.new_zeros(batch, width).index_put((text, place), row)
    block = BLOCK if states.device.type == "cpu" else GPU_BLOCK
    together = max(1, block // (width * (length + weight.shape[1])))
    for start in range(0, batch, together):
        texts = slice(start, start + together)
        rows = chosen[texts]
        # The bias inside the product, as a linear layer has it: the sums are rounded alike, and
        # the logits are those of the plain head to the last bit.
        start_at = bias[rows].unsqueeze(1).expand(-1, length, -1)
        logits = torch.baddbmm(start_at, states[texts], weight[rows].transpose(1, 2))
        logits.masked_fill_(~mask[texts].bool().unsqueeze(2), -torch.inf)
        pooled[texts] = pooled[texts].scatter(1, rows, logits.amax(1))


class Screening:
    """The screen of one head, made at the first batch and again when the weights have changed.

    Parameters
    ----------
    floor: logits up to it are of no interest.
    kind: the cheap arithmetic; ``"auto"`` measures, ``"float32"`` computes all.
    """

    def __init__(self, floor: float, kind: ProductType | Literal["auto"] = "auto") -> None:
        self.floor = floor
        self.kind = kind
        self._screen: Screen | None = None
        self._made_of: tuple[int, ...] = ()

    def logits(self, states: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """See :func:`screened_logits`; all logits where float32 is this machine's fastest type."""
        made_of = (weight.data_ptr(), weight._version, bias.data_ptr(), bias._version)
        if made_of != self._made_of:
            kind = self.kind
            if kind == "auto":
                kind = fastest_type(states.device, weight.shape[1])
            sample = states.flatten(0, 1)
            self._screen = None if kind == "float32" else Screen(weight, bias, kind, sample)
            self._made_of = made_of
        if self._screen is None:
            plain: Tensor = pooled_logits(states, mask, weight, bias)
            return plain
        return screened_logits(states, mask, weight, bias, self._screen, self.floor)


def _scales(greatest: Tensor) -> Tensor:
    return greatest.clamp(min=1e-30) / 127


def _codes(values: Tensor, scales: Tensor) -> Tensor:
    """int8 codes of ``values``; ``scales`` has a trailing dimension less."""
    return (values / scales.unsqueeze(-1)).round_().clamp_(-127, 127).to(torch.int8)


def _balance(weight: Tensor, sample: Tensor) -> Tensor:
    """One factor a component, between the greatest of the states and that of the rows."""
    states, rows = (part.abs().amax(0).clamp(min=1e-6) for part in (sample, weight))
    balance = (states / rows).sqrt()
    return torch.where(torch.isfinite(balance), balance, torch.ones_like(balance))


def _gamma(values: Tensor) -> float:
    """γ for sums over the last dimension; matrix units may cut where others round: u = 2⁻²²."""
    error = values.shape[-1] * 2.0**-22
    return error / (1 - error)
