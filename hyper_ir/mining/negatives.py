"""Which candidates are a query's hard negatives: those in which no leak was found.

A candidate is dropped for the first of these reasons that holds:

- **not in the corpus**: the search knows it and the corpus does not, so that nothing can be said
  of it (the two are of different makes);
- **gold document**: it is judged relevant, or one of the query's positives;
- **gold page**: it lies on a page with evidence of the query, or beside a judged passage;
- **answer**: it contains an answer (title and text);
- **copy**: its text is that of a positive or a judged document, on another page or under another
  title.

The order of the others is the search's: the hardest first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hyper_ir.mining.evidence import JUDGED, NAMED, GoldPassage

Reason = Literal["not in the corpus", "gold document", "gold page", "answer", "copy"]

REASONS: tuple[Reason, ...] = (
    "not in the corpus",
    "gold document",
    "gold page",
    "answer",
    "copy",
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What is dropped besides gold documents and copies of them."""

    answers: bool = True
    gold_pages: bool = True


@dataclass(frozen=True, slots=True)
class Negatives:
    """The rows that are left, best-ranked first, and how many were dropped for each reason."""

    rows: tuple[int, ...]
    dropped: Counter[Reason]


def filtered(
    rows: Sequence[int],
    contains: Sequence[int],
    texts: Sequence[int],
    gold: Sequence[GoldPassage],
    positives: Sequence[GoldPassage],
    filters: Filters,
) -> Negatives:
    """Drop a query's leaking candidates.

    Parameters
    ----------
    rows: the candidates from best to worst; below 0 where the corpus lacks one.
    contains: for each of them, whether it contains an answer.
    texts: by row, what copies of one text have in common.
    gold: the passages on gold pages, and those judged.
    positives: those of ``gold`` that are the query's positives.
    """
    documents = {each.row for each in positives}
    documents |= {each.row for each in gold if each.bits & (JUDGED | NAMED)}
    on_pages = {each.row for each in gold} if filters.gold_pages else set()
    copied = {texts[row] for row in documents}
    dropped: Counter[Reason] = Counter()
    kept: list[int] = []
    for row, answers in zip(rows, contains, strict=True):
        if row < 0:
            dropped["not in the corpus"] += 1
        elif row in documents:
            dropped["gold document"] += 1
        elif row in on_pages:
            dropped["gold page"] += 1
        elif answers and filters.answers:
            dropped["answer"] += 1
        elif texts[row] in copied:
            dropped["copy"] += 1
        else:
            kept.append(row)
    return Negatives(tuple(kept), dropped)
