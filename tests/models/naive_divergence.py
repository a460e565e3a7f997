"""Jensen–Shannon divergence as it is defined, in plain Python."""

from __future__ import annotations

import math


def naive_jsd(p: list[float], q: list[float]) -> float:
    """½ KL(p‖m) + ½ KL(q‖m) with 0·log 0 = 0, in double precision."""
    total = 0.0
    for a, b in zip(p, q, strict=True):
        m = (a + b) / 2
        total += (a * math.log(a / m) if a else 0.0) + (b * math.log(b / m) if b else 0.0)
    return total / 2
