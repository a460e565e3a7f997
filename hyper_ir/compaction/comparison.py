"""What compaction does to a model's vectors: which impacts change, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.models.card import Impacts
from hyper_ir.models.retriever import Retriever


def compare_impacts(
    original: Retriever,
    compact: Retriever,
    side: str,
    texts: Sequence[str],
    config: EngineConfig | None = None,
) -> Impacts:
    """Encode texts with both models and compare their impacts, quantised by 100.

    Parameters
    ----------
    side: ``"query"`` or ``"document"``.

    Raises ValueError for dense models, and where there is no text.
    """
    if not texts:
        raise ValueError(f"no {side} text to compare impacts of")
    engines = [Engine(model, side, config) for model in (original, compact)]
    if not all(engine.sparse for engine in engines):
        raise ValueError("impacts are compared; dense vectors have none")
    pairs: Any = zip(*(engine.arrays(texts) for engine in engines), strict=True)
    width = engines[0].tower.head.width
    return _compared(side, [(_dense(a, width), _dense(b, width)) for a, b in pairs])


def _dense(terms: tuple[np.ndarray, np.ndarray], width: int) -> np.ndarray:
    ids, impacts = terms
    vector = np.zeros(width, np.int32)
    vector[ids] = impacts
    return vector


def _compared(side: str, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Impacts:
    impacts = changed = lost = gained = total = 0
    cosines: list[float] = []
    for before, after in pairs:
        difference = np.abs(after - before)
        impacts += int(((before > 0) | (after > 0)).sum())
        changed += int((difference > 0).sum())
        lost += int(((before > 0) & (after == 0)).sum())
        gained += int(((before == 0) & (after > 0)).sum())
        total += int(difference.sum())
        cosines.append(_cosine(before.astype(float), after.astype(float)))
    of = max(impacts, 1)
    shares = (changed / of, lost / of, gained / of, total / of)
    return Impacts(side, len(pairs), impacts, *shares, float(np.mean(cosines)))


def _cosine(before: np.ndarray, after: np.ndarray) -> float:
    """1 for two empty vectors, 0 where one alone is empty."""
    lengths = float(np.linalg.norm(before) * np.linalg.norm(after))
    return float(before @ after) / lengths if lengths else float(before.any() == after.any())
