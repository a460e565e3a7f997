"""Queries of fewer terms: the heaviest stay."""

from __future__ import annotations

from collections.abc import Iterable

from hyper_ir.lucene.queries import heaviest
from hyper_ir.search.encoded_topics import EncodedTopic


def keep_heaviest(queries: Iterable[EncodedTopic], terms: int | None) -> list[EncodedTopic]:
    """Cut every query to its ``terms`` heaviest tokens, equal weights by token; None keeps all.

    Weights stay as they are. Raises ValueError for fewer than 1 term.
    """
    if terms is None:
        return list(queries)
    if terms < 1:
        raise ValueError(f"query terms: at least 1 is needed, not {terms}")
    return [(id, heaviest(vector, terms)) for id, vector in queries]
