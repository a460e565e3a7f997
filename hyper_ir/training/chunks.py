"""Encoding a side of a batch in chunks of similar length, forgotten and computed again if wished.

Chunks of texts of one length have little padding. With ``recompute``, of each chunk only its
vectors stay, and its activations are made again when the gradient arrives: that is GradCache (Gao
et al., 2021), here as checkpoints of autograd, so that DDP, autocast and dropout need no care of
their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from hyper_ir.models.towers import Encoding, Tower

OWN_COST = 1 / 16
"""What a chunk costs beside its tokens, as a share of the most tokens a chunk may have."""


def encode_in_chunks(
    tower: Tower,
    input_ids: Tensor,
    attention_mask: Tensor,
    chunk_tokens: int | None = None,
    recompute: bool = False,
) -> Encoding:
    """What ``tower.encode`` gives, to rounding.

    Parameters
    ----------
    input_ids, attention_mask: ``(batch, length)``, padded at the right.
    chunk_tokens: at most so many tokens in a chunk, padding counted; a longer text has a chunk
        of its own. None takes the batch as one chunk.
    recompute: keep no activations.
    """
    if chunk_tokens is None:
        return _encoded(tower, input_ids, attention_mask, recompute)
    lengths = attention_mask.sum(1)
    order = torch.argsort(lengths, descending=True, stable=True)
    parts = []
    for rows, length in chunks(lengths[order].tolist(), chunk_tokens):
        chosen = order[rows]
        ids, mask = input_ids[chosen, :length], attention_mask[chosen, :length]
        parts.append(_encoded(tower, ids, mask, recompute))
    back = torch.argsort(order)
    vectors = torch.cat([part.vectors for part in parts])[back]
    attentions = [part.prompt_attention for part in parts if part.prompt_attention is not None]
    return Encoding(vectors, torch.cat(attentions)[back] if attentions else None)


def _encoded(tower: Tower, ids: Tensor, mask: Tensor, recompute: bool) -> Encoding:
    if not (recompute and torch.is_grad_enabled()):
        return tower.encode(ids, mask)
    encoding = checkpoint(tower.encode, ids, mask, use_reentrant=False)
    assert isinstance(encoding, Encoding)
    return encoding


def chunks(lengths: Sequence[int], tokens: int) -> Iterator[tuple[slice, int]]:
    """Cut descending lengths into slices of at most ``tokens``, each with its longest.

    Of all such cuts, the one that computes least: padded tokens, and ``OWN_COST`` for each chunk.
    """
    count = len(lengths)
    least = np.zeros(count + 1)
    ends = np.zeros(count, dtype=np.int64)
    for start in reversed(range(count)):
        longest = max(lengths[start], 1)
        room = min(max(1, tokens // longest), count - start)
        costs = longest * np.arange(1, room + 1) + least[start + 1 : start + 1 + room]
        rows = int(costs.argmin()) + 1
        ends[start] = start + rows
        least[start] = costs[rows - 1] + OWN_COST * tokens
    start = 0
    while start < count:
        end = int(ends[start])
        yield slice(start, end), max(lengths[start], 1)
        start = end
