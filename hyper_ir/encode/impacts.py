"""Weights to impacts: prune, quantise, name (METHOD §8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

LARGEST = 2**24
"""Lucene's scores are 32-bit floats: integers are exact up to here."""


@dataclass(frozen=True)
class Quantiser:
    """How real weights become Lucene's integers.

    Attributes
    ----------
    factor: impact = round(weight × factor), halves to even; impacts of 0 are dropped. Pyserini's
        own SPLADE encoder has 51.2, everybody else 100.
    top_k: how many terms of a vector are kept, the heaviest first; None keeps all.
    """

    factor: float = 100.0
    top_k: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.factor < float("inf"):
            raise ValueError(f"quantization factor: {self.factor} is not a positive number")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top-k: {self.top_k} is not a positive number")

    @property
    def least(self) -> float:
        """A weight that, with all below it, becomes no impact: just under half a unit."""
        return 0.5 / self.factor * (1 - 1e-5)


def impacts(weights: Tensor, quantiser: Quantiser) -> list[tuple[np.ndarray, np.ndarray]]:
    """Quantise and prune a batch of lexical vectors.

    Parameters
    ----------
    weights: ``(batch, vocabulary)``, weights ≥ 0.

    Returns
    -------
    For each text, vocabulary ids and impacts (both int64), heaviest first, equal impacts by id;
    both empty for a text without any term.

    Raises
    ------
    ValueError
        When a weight is NaN, infinite, negative, or too large for Lucene to add exactly.
    """
    scaled = weights.float() * quantiser.factor
    lowest, highest = (float(bound) for bound in torch.aminmax(scaled))
    if not (lowest >= 0 and highest < LARGEST):  # false for NaN, too
        raise ValueError(
            f"the model's weights lie between {lowest / quantiser.factor:g} and "
            f"{highest / quantiser.factor:g}; they must be finite, not negative, and below "
            f"{LARGEST / quantiser.factor:g}: its checkpoint may be damaged"
        )
    rounded = scaled.round_()
    text, token = rounded.nonzero(as_tuple=True)
    values = rounded[text, token].to(torch.int64).cpu().numpy()
    ends = np.cumsum(torch.bincount(text, minlength=len(rounded)).cpu().numpy())[:-1]
    rows = zip(np.split(token.cpu().numpy(), ends), np.split(values, ends), strict=True)
    return [_heaviest(ids, row, quantiser.top_k) for ids, row in rows]


def _heaviest(
    ids: np.ndarray, values: np.ndarray, top_k: int | None
) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-values, kind="stable")[:top_k]
    return ids[order], values[order]


def named(ids: np.ndarray, values: np.ndarray, tokens: Sequence[str]) -> dict[str, int]:
    """Ids and impacts as ``{token: impact}``, in their order."""
    return {tokens[i]: value for i, value in zip(ids.tolist(), values.tolist(), strict=True)}
