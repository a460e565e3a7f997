"""Balance over prompts: all of them are to be used by someone."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hyper_ir.training.gathering import gathered


def prompt_balance(attention: Tensor) -> Tensor:
    """``ln N − H(ā)``, where ā is the mean attention over the global batch.

    CPR asks that queries of one task attend alike and those of two do not; a prompt that nobody
    attends to costs it nothing. This is 0 where all prompts get the same on the average, and ln N
    where one gets all. It says nothing of how sharply a single query attends.

    Parameters
    ----------
    attention: ``(queries, N)``: each query's distribution over the prompts, this rank's.

    Returns
    -------
    A scalar with gradient, in nats; its mean over ranks is the global batch's.
    """
    attention = attention if attention.dtype == torch.float64 else attention.float()
    mean = gathered(attention).mean(0)
    # The derivative of x ln x has no bound at 0, where a softmax may underflow to.
    least = torch.finfo(mean.dtype).tiny
    return math.log(len(mean)) + (mean * mean.clamp(min=least).log()).sum()
