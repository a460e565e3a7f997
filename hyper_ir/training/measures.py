"""What vectors and the attention over prompts look like: numbers for the log."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hyper_ir.models.divergence import jensen_shannon
from hyper_ir.training.gathering import gathered, rows_of_ranks


@torch.no_grad()
def vector_measures(side: str, vectors: Tensor) -> dict[str, Tensor]:
    """How many components of a vector are not 0 in the mean, and which part of all they are.

    Parameters
    ----------
    side: ``"query"`` or ``"document"``.
    vectors: ``(batch, width)``, this rank's.

    Returns
    -------
    ``SIDE/active_terms`` and ``SIDE/active_share``.
    """
    active = vectors.count_nonzero(1).float().mean()
    return {f"{side}/active_terms": active, f"{side}/active_share": active / vectors.shape[1]}


@torch.no_grad()
def attention_measures(attention: Tensor, tasks: Tensor) -> dict[str, Tensor]:
    """What the attention over prompts is like in the global batch.

    Parameters
    ----------
    attention: ``(queries, N)``, this rank's.
    tasks: ``(queries,)``, int64.

    Returns
    -------
    Under ``attention/``: ``entropy`` (mean over queries, as a part of ln N, in [0, 1]);
    ``jsd_within`` and ``jsd_between`` (mean divergence in nats of two queries of one task and of
    two; absent where a batch cannot have such a pair); ``prompts_used`` (the part of the prompts
    whose mean attention is at least 1 / 10N); ``top_prompt`` (the share of queries that attend
    most to the prompt that is most often first).
    """
    rows = rows_of_ranks(attention)
    return measures_of_attention(gathered(attention.float(), rows), gathered(tasks, rows))


def measures_of_attention(attention: Tensor, tasks: Tensor) -> dict[str, Tensor]:
    """The same of these queries alone, without asking other ranks."""
    queries, prompts = attention.shape
    entropy = -torch.special.xlogy(attention, attention).sum(1).mean()
    winners = attention.argmax(1).bincount(minlength=prompts)
    used = attention.mean(0) >= 0.1 / prompts
    measures = {
        "attention/entropy": entropy / max(math.log(prompts), 1e-9),
        "attention/prompts_used": used.float().mean(),
        "attention/top_prompt": winners.max() / queries,
    }
    divergence = jensen_shannon(attention.unsqueeze(1), attention.unsqueeze(0))
    same = tasks.unsqueeze(1) == tasks
    others = ~torch.eye(queries, dtype=torch.bool, device=tasks.device)
    for name, pairs in (("within", same & others), ("between", ~same)):
        if bool(pairs.any()):
            measures[f"attention/jsd_{name}"] = divergence[pairs].mean()
    return measures
