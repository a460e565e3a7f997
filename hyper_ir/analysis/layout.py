"""Attention vectors on a plane (figure 3): t-SNE, the same points every time."""

from __future__ import annotations

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

PERPLEXITY = 30.0

_SPREAD = 1e-4


def attention_layout(shares: np.ndarray, divergence: np.ndarray, seed: int) -> np.ndarray:
    """Points ``(n, 2)`` for the attentions ``(n, N)``, near where attentions are alike.

    t-SNE (perplexity 30, or less for few queries) on the root of the Jensen-Shannon divergence
    ``(n, n)``, a metric between distributions. It starts from the first two principal components
    of the roots of the shares, whose Euclidean distance (Hellinger's) is close to that metric,
    and runs on one thread: with several, sums differ in their last bits, and the map with them.
    """
    count = len(shares)
    if count < 4:
        raise ValueError(f"{count} queries: a map needs 4 at least")
    distances = np.sqrt(divergence, dtype=np.float32)
    with threadpool_limits(1):
        start = principal_plane(np.sqrt(shares))
        tsne = TSNE(
            perplexity=min(PERPLEXITY, (count - 1) / 3),
            metric="precomputed",
            init=start.astype(np.float32),
            random_state=seed,
            n_jobs=1,
        )
        points: np.ndarray = tsne.fit_transform(distances)
    return points


def principal_plane(points: np.ndarray) -> np.ndarray:
    """The first two principal components, small as t-SNE wants its start; signs are fixed."""
    centred = points - points.mean(axis=0)
    left, values, right = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(points), 2))
    for axis in range(min(2, len(values))):
        sign = np.sign(right[axis, np.abs(right[axis]).argmax()]) or 1.0
        plane[:, axis] = left[:, axis] * values[axis] * sign
    spread = plane[:, 0].std()
    return plane / spread * _SPREAD if spread > 0 else plane
