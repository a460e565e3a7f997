"""FLOPS (Paria et al., 2020): the cost of searching with a batch's vectors, to be kept down."""

from __future__ import annotations

import torch
from torch import Tensor

from hyper_ir.training.gathering import summed


def flops(vectors: Tensor) -> Tensor:
    """``Σ_j (mean_i |v_ij|)²``, the mean taken over the global batch.

    A mean over each rank alone would be larger (the square of a mean is convex) and the more so
    the more ranks there are: the weight's effect, and with it the vectors' length, would change
    with their number.

    Parameters
    ----------
    vectors: ``(batch, width)``.
    """
    kind = torch.float64 if vectors.dtype == torch.float64 else torch.float32
    count = summed(vectors.new_tensor(len(vectors), dtype=kind))
    activity = summed(torch.linalg.vector_norm(vectors, ord=1, dim=0, dtype=kind)) / count
    return activity.square().sum()


def quadratic_ramp(step: int, steps: int) -> float:
    """SPLADE's schedule of the weight: ``(step / steps)²`` up to 1; with ``steps = 0`` always 1.

    ``step`` counts optimiser steps from 0.
    """
    if step < 0 or steps < 0:
        raise ValueError(f"step {step} of a ramp over {steps} steps: neither may be negative")
    return 1.0 if step >= steps else (step / steps) ** 2
