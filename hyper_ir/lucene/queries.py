"""What a query vector must be before Lucene, or the exact searcher, sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Anserini writes a query out as text too, each token as often as it weighs.
LARGEST_TOTAL = 10_000_000

Vector = Mapping[str, int]


def check_queries(queries: Sequence[tuple[str, Vector]]) -> None:
    """Raise ValueError unless all weights are integers of at least 1, 10 million in a query.

    Pyserini cuts 1.5 down to 1; a weight of 0 finds every document with the token, at score 0.
    """
    for id, vector in queries:
        for token, weight in vector.items():
            if type(weight) is not int or weight < 1:
                raise ValueError(
                    f"query {id}: weight {weight!r} of token {token!r} is not an integer of at "
                    "least 1"
                )
        if (total := sum(vector.values())) > LARGEST_TOTAL:
            raise ValueError(
                f"query {id}: its weights sum to {total:,}, over {LARGEST_TOTAL:,}; quantise by "
                "a smaller factor"
            )


def check_batch(ids: Sequence[str], hits: int, threads: int) -> None:
    """Raise ValueError for an id that occurs twice and for fewer than 1 hit or thread."""
    require_positive(hits=hits, threads=threads)
    if len(set(ids)) != len(ids):
        raise ValueError("queries: an id occurs twice in one batch")


def require_positive(**numbers: int) -> None:
    """Raise ValueError that names the first of the numbers that is below 1."""
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name.replace('_', ' ')}: at least 1 is needed, not {number}")


def heaviest(vector: Vector, limit: int) -> dict[str, int]:
    """The ``limit`` tokens of the largest weight, ties by token; all where there are no more."""
    if len(vector) <= limit:
        return dict(vector)
    ranked = sorted(vector.items(), key=lambda item: (-item[1], item[0]))
    return dict(ranked[:limit])
