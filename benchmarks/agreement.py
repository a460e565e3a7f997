"""How far the impacts of two encoders agree, over all pairs of a text and a term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hyper_ir.data.vectors import EMPTY_DOCUMENT
from hyper_ir.files import read_jsonl

Vectors = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Agreement:
    """Of two sets of vectors.

    Attributes
    ----------
    pairs: pairs of a text and a term that either has.
    identical: those with equal impacts in both.
    greatest: the greatest difference of two impacts; one that is missing counts as 0.
    """

    pairs: int
    identical: int
    greatest: int

    @property
    def share(self) -> float:
        """Identical pairs of all; 1 where there is none."""
        return self.identical / self.pairs if self.pairs else 1.0


def agreement(first: Vectors, second: Vectors) -> Agreement:
    """Compare vectors by text's id; raises ValueError where the texts differ."""
    if first.keys() != second.keys():
        raise ValueError("the vectors are of different texts")
    pairs = identical = greatest = 0
    for id, mine in first.items():
        theirs = second[id]
        for term in mine.keys() | theirs.keys():
            difference = abs(mine.get(term, 0) - theirs.get(term, 0))
            pairs += 1
            identical += not difference
            greatest = max(greatest, difference)
    return Agreement(pairs, identical, greatest)


def read_impacts(folder: Path) -> dict[str, dict[str, int]]:
    """Read ``embeddings.jsonl``; impacts of 0, which Pyserini writes, are left out."""
    return {
        str(record["id"]): {
            term: impact
            for term, impact in record["vector"].items()
            if impact and term != EMPTY_DOCUMENT
        }
        for _, record in read_jsonl(folder / "embeddings.jsonl")
    }
