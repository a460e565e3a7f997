"""Contrastive prompt regularisation: same task, same prompts; another task, others (METHOD §5)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from hyper_ir.models.divergence import jensen_shannon
from hyper_ir.training.gathering import gathered, rank, ranks, rows_of_ranks

Reduction = Literal["mean", "sum"]


def contrastive_prompt_regularisation(
    attention: Tensor, tasks: Tensor, reduction: Reduction = "mean"
) -> dict[str, Tensor]:
    """CPR's two terms over the ordered pairs of different queries of the global batch.

    Parameters
    ----------
    attention: ``(queries, N)``: each query's distribution over the prompts.
    tasks: ``(queries,)``, int64: each query's task, by the same numbers on all ranks.
    reduction: ``"mean"`` over the pairs of each kind, or the paper's ``"sum"``.

    Returns
    -------
    ``alignment``: the divergence between queries of one task; ``uniformity``: *minus* the
    divergence between queries of two. CPR is their sum. Either is 0 where no such pair exists.
    """
    if attention.ndim != 2 or tasks.shape != attention.shape[:1]:
        raise ValueError(
            f"CPR needs attention (queries, prompts) and tasks (queries,), not "
            f"{tuple(attention.shape)} and {tuple(tasks.shape)}"
        )
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction: {reduction!r} is neither 'mean' nor 'sum'")
    attention = attention if attention.dtype == torch.float64 else attention.float()
    rows = rows_of_ranks(attention)
    everyone, every_task = gathered(attention, rows), gathered(tasks, rows)
    divergence = jensen_shannon(attention.unsqueeze(1), everyone.unsqueeze(0))
    same = tasks.unsqueeze(1) == every_task
    pairs = _pairs(every_task)
    places = torch.arange(len(tasks), device=tasks.device) + sum(rows[: rank()])
    different = ~same
    same = same.scatter(1, places.unsqueeze(1), False)
    terms = {}
    for name, chosen, count, sign in (
        ("alignment", same, pairs[0], 1),
        ("uniformity", different, pairs[1], -1),
    ):
        total = sign * ranks() * (divergence * chosen).sum()
        terms[name] = total / count.clamp(min=1) if reduction == "mean" else total
    return terms


def _pairs(tasks: Tensor) -> tuple[Tensor, Tensor]:
    """How many ordered pairs of different queries share a task, and how many do not."""
    sizes = torch.unique(tasks, return_counts=True)[1]
    same = (sizes * (sizes - 1)).sum()
    return same, len(tasks) * (len(tasks) - 1) - same
