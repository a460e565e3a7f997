"""Heads: from a backbone's token states to one vector a text (METHOD §5).

The lexical head gives one weight for each vocabulary token, the dense head one short vector.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from hyper_ir.models.arithmetic import ProductType
from hyper_ir.models.pooled_head import pooled_logits
from hyper_ir.models.screening import Screening

LexicalPooling = Literal["max", "sum"]
LexicalActivation = Literal["relu", "log1p_relu"]
DensePooling = Literal["cls", "mean"]

CHUNK = 4096
"""At most so many vocabulary rows are multiplied at once."""


class LexicalHead(nn.Module):
    """SPLADE's head: ``log(1 + ReLU(states · weightᵀ + bias))`` pooled over the text's tokens.

    Parameters
    ----------
    weight: ``(rows, hidden)``.
    bias: ``(rows,)``.
    tokens: ``(rows,)``, int64: the vocabulary id that each row stands for; None where row i
        stands for id i. Tokens without a row are never emitted and cost nothing.
    vocabulary_size: the vector's length where ``tokens`` is given.
    transform: applied to the states first, ``(…, hidden) → (…, hidden)``; None for none.
    pooling: ``"max"`` over tokens (SPLADE-max) or ``"sum"`` (the first SPLADE).
    activation: ``"relu"`` as above, or ``"log1p_relu"``, which takes log(1 + ·) once more.
    own: ``(rows,)``: the logit that a row's token has at least in a text that holds the token
        itself; None for no such floor. A grafted head has one, so that a word is never lost.
    """

    tokens: Tensor | None
    own: Tensor | None

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor,
        tokens: Tensor | None = None,
        vocabulary_size: int | None = None,
        transform: nn.Module | None = None,
        pooling: LexicalPooling = "max",
        activation: LexicalActivation = "relu",
        own: Tensor | None = None,
    ) -> None:
        super().__init__()
        if weight.ndim != 2 or bias.shape != weight.shape[:1]:
            raise ValueError(
                f"a lexical head needs weight (rows, hidden) and bias (rows,), "
                f"not {tuple(weight.shape)} and {tuple(bias.shape)}"
            )
        if pooling not in ("max", "sum") or activation not in ("relu", "log1p_relu"):
            raise ValueError(
                f"pooling {pooling!r} with activation {activation!r}: "
                "'max' or 'sum', and 'relu' or 'log1p_relu' are known"
            )
        self.weight = weight if isinstance(weight, nn.Parameter) else nn.Parameter(weight)
        self.bias = bias if isinstance(bias, nn.Parameter) else nn.Parameter(bias)
        self.register_buffer("tokens", tokens)
        self.register_buffer("own", own)
        self.width = len(weight) if vocabulary_size is None else vocabulary_size
        self.transform = transform
        self.pooling = pooling
        self.activation = activation

    def screening(
        self, least: float = 0.0, kind: ProductType | Literal["auto"] = "auto"
    ) -> Screening | None:
        """For inference: what lets :meth:`forward` compute only weights above ``least``.

        ``kind`` is the arithmetic that finds them; ``"auto"`` measures. None for a head that sums
        over tokens: it needs all logits.
        """
        if self.pooling == "sum":
            return None
        # Beyond e^80 float32 ends: no logit is above that.
        floor = math.expm1(min(least, 80))
        if self.activation == "log1p_relu":
            floor = math.expm1(min(floor, 80))
        return Screening(floor, kind)

    def forward(
        self,
        states: Tensor,
        attention_mask: Tensor,
        input_ids: Tensor | None = None,
        screening: Screening | None = None,
    ) -> Tensor:
        """Weights of all vocabulary tokens.

        Parameters
        ----------
        states: ``(batch, length, hidden)``.
        attention_mask: ``(batch, length)``, 1 for the text's own tokens and 0 for padding; the
            first position is always the text's own.
        input_ids: ``(batch, length)``; needed where the head has a floor for a text's own tokens.
        screening: from :meth:`screening`: weights up to its least come out as 0, the others as
            they would without it, with much less work.

        Returns
        -------
        ``(batch, vocabulary)``, weights ≥ 0.
        """
        if self.transform is not None:
            states = self.transform(states)
        if screening is None:
            pooled = self._pooled(states, attention_mask, self.weight, self.bias)
        else:
            head = (self.weight, self.bias)
            pooled = self._activated(screening.logits(states.float(), attention_mask, *head))
        if self.tokens is not None:
            pooled = pooled.new_zeros(len(pooled), self.width).index_copy(1, self.tokens, pooled)
        if self.own is None:
            return pooled
        if input_ids is None:
            raise ValueError("this head has a floor for a text's own tokens: it needs input_ids")
        return torch.maximum(pooled, self._floor(input_ids, attention_mask).to(pooled.dtype))

    def _floor(self, input_ids: Tensor, mask: Tensor) -> Tensor:
        """The least weight of each token, (batch, vocabulary): above 0 for the text's own only."""
        assert self.own is not None
        least = self._activated(self.own)
        if self.tokens is not None:
            least = least.new_zeros(self.width).index_copy(0, self.tokens, least)
        floor = least.new_zeros(len(input_ids), self.width)
        # amax, since a padded position may carry the id of a real one and counts as 0.
        return floor.scatter_reduce(1, input_ids, least[input_ids] * mask, "amax")

    def _pooled(self, states: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        if self.pooling == "max":
            # log(1 + ReLU(·)) is monotone: it is taken of the maximum alone.
            return self._activated(pooled_logits(states, mask, weight, bias, CHUNK))
        real = mask.unsqueeze(-1).to(states.dtype)
        chunks = zip(torch.split(weight, CHUNK), torch.split(bias, CHUNK), strict=True)
        parts = [
            (self._activated(nn.functional.linear(states, rows, more)) * real).sum(1)
            for rows, more in chunks
        ]
        return torch.cat(parts, dim=1)

    def _activated(self, logits: Tensor) -> Tensor:
        weights = torch.log1p(torch.relu(logits))
        return torch.log1p(weights) if self.activation == "log1p_relu" else weights


class CosineTransform(nn.Module):
    """``state · weightᵀ + bias``, scaled to length 1: a grafted head's transform.

    Parameters
    ----------
    weight: ``(hidden, hidden)``.
    bias: ``(hidden,)``.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(bias)

    def forward(self, states: Tensor) -> Tensor:
        """``(…, hidden)`` to ``(…, hidden)``, each of length 1."""
        return nn.functional.normalize(nn.functional.linear(states, self.weight, self.bias), dim=-1)


class DenseHead(nn.Module):
    """One vector a text: the first token's state (DPR) or the mean over tokens.

    Parameters
    ----------
    width: the vector's length.
    pooling: ``"cls"`` (the first token) or ``"mean"``.
    normalise: whether vectors are scaled to length 1 (inner product = cosine).
    """

    def __init__(self, width: int, pooling: DensePooling = "cls", normalise: bool = False) -> None:
        super().__init__()
        self.width = width
        self.pooling = pooling
        self.normalise = normalise

    def forward(
        self, states: Tensor, attention_mask: Tensor, input_ids: Tensor | None = None
    ) -> Tensor:
        """``states`` (batch, length, width) and mask (batch, length) to (batch, width).

        ``input_ids`` are not used: the signature is every head's.
        """
        if self.pooling == "cls":
            vectors = states[:, 0]
        else:
            mask = attention_mask.unsqueeze(-1).to(states.dtype)
            vectors = (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        return nn.functional.normalize(vectors, dim=-1) if self.normalise else vectors
