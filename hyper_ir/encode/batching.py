"""Cutting texts of many lengths into batches with little padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def by_length(lengths: Sequence[int]) -> list[int]:
    """Places of texts, longest first, equal lengths in their order."""
    return sorted(range(len(lengths)), key=lambda place: -lengths[place])


def token_batches(
    lengths: Sequence[int], tokens: int, texts: int | None = None
) -> Iterator[list[int]]:
    """Places of texts in batches, longest first.

    Parameters
    ----------
    lengths: of each text, in tokens.
    tokens: at most so many in a batch, padding counted; a longer text has a batch of its own.
    texts: at most so many in a batch; None for any number.
    """
    order = by_length(lengths)
    start = 0
    while start < len(order):
        size = max(1, tokens // max(lengths[order[start]], 1))
        end = start + (size if texts is None else min(size, texts))
        yield order[start:end]
        start = end
