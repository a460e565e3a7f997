"""How far two distributions over the prompts are from each other."""

from __future__ import annotations

import torch
from torch import Tensor


def jensen_shannon(p: Tensor, q: Tensor) -> Tensor:
    """Jensen–Shannon divergence in nats, in [0, ln 2]: ``(…, N)`` and ``(…, N)`` to ``(…)``.

    Exact to rounding where the two are nearly equal, and with a finite gradient everywhere, where
    the exact one is infinite (a probability of 0) too. Differentiable once.
    """
    total = p + q
    # p / m = 1 + t with m the mean of the two; where both are 0, t is 0.
    t = ((p - q) / total.clamp(min=torch.finfo(total.dtype).tiny)).detach()
    least = torch.finfo(total.dtype).eps - 1
    # ∂JSD/∂p = ½ log(p / m): the logarithms' own derivatives cancel, so they are held fixed.
    return (p * t.clamp(min=least).log1p() + q * (-t).clamp(min=least).log1p()).sum(-1) / 2
