"""Encoding a side of a batch in chunks of similar length, forgotten and computed again if wished.

Chunks of texts of one length have little padding. With ``recompute``, of each chunk only its
vectors stay, and its activations are made again when the gradient arrives: that is GradCache (Gao
et al., 2021), here as checkpoints of autograd, so that DDP, autocast and dropout need no care of
their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from hyper_ir.models.towers import Encoding, Tower


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
    for rows, length in _chunks(lengths[order].tolist(), chunk_tokens):
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


def _chunks(lengths: list[int], tokens: int) -> Iterator[tuple[slice, int]]:
    """Cut descending lengths into slices, each with its longest."""
    start = 0
    while start < len(lengths):
        longest = max(lengths[start], 1)
        end = min(start + max(1, tokens // longest), len(lengths))
        yield slice(start, end), longest
        start = end
