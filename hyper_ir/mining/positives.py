"""Which passages are a query's positives.

Where the judgments name documents of the corpus (BEIR, MS MARCO), these are the positives: the
highest grade first, then those that the search found, by rank, then the judgments' order.

Where they name pages (KILT), something must say which of a page's passages hold the evidence; the
passages of a gold page that nothing points to are no positives. From strong to weak:

0. **named**: the provenance names the paragraph. Only in a knowledge source cut by paragraph:
   KILT counts paragraphs, and in blocks of words nothing corresponds to its numbers.
1. **answer found**: it contains an answer and stands among the candidates: it answers, and has to
   do with the query. DPR's choice.
2. **answer**: it contains an answer, but the search did not find it.
3. **found**: no answer, but among the candidates (claims, dialogues, entities).
4. **first**: the first passage of its page: what an encyclopaedia says first.

KILT's provenance comes in sets, whose pages are needed jointly; several sets are alternatives.
Hence:

- Of several sets those count whose best passage is of the best level, if that is one of 0 to 2.
  An alternative in which no passage holds the answer (annotations drift, dumps differ) gives no
  positive. Where no set has evidence of these levels, all sets count.
- Every page of a set that counts gives a positive, so that both pages of a HotpotQA question are
  learned, though the answer stands on one: all its passages of its own best level if that is
  0, 1 or 2, else its best-ranked one, else its first.
- They stand by level, then by rank, then in the corpus's order. A limit takes the best of each
  page first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hyper_ir.data.records import page_of
from hyper_ir.mining.evidence import ANSWER, FIRST, JUDGED, NAMED, PAGE, GoldPassage
from hyper_ir.mining.tasks import MiningQuery

LEVELS = ("named", "answer found", "answer", "found", "first")
JUDGED_LEVEL = "judged"

_EVIDENCE = 2
"""The last level at which something points to the passage itself."""

_UNFOUND = 1 << 31
"""Behind every rank."""

_Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Positives:
    """The positives of a query, best first; ``level`` is that of the best (empty without any)."""

    passages: tuple[GoldPassage, ...]
    level: str


def choose(
    query: MiningQuery,
    gold: Sequence[GoldPassage],
    ranks: Mapping[int, int],
    limit: int,
) -> Positives:
    """Choose at most ``limit`` positives among the gold passages of a query.

    ``ranks`` holds the place of every candidate's row in the query's list.
    """
    judged = [passage for passage in gold if passage.bits & JUDGED]
    if judged:
        order = {name: place for place, name in enumerate(query.gold)}
        judged.sort(
            key=lambda each: (
                -query.grades[each.id],
                ranks.get(each.row, _UNFOUND),
                order[each.id],
            )
        )
        return Positives(tuple(judged[:limit]), JUDGED_LEVEL)
    keys = {
        passage: key
        for passage in gold
        if passage.bits & (PAGE | NAMED) and (key := _key(passage, ranks)) is not None
    }
    leaders, others = _of_pages(query, keys)
    chosen = sorted(leaders, key=keys.__getitem__)[:limit]
    chosen += sorted(others, key=keys.__getitem__)[: limit - len(chosen)]
    chosen.sort(key=keys.__getitem__)
    return Positives(tuple(chosen), LEVELS[keys[chosen[0]][0]] if chosen else "")


def _key(passage: GoldPassage, ranks: Mapping[int, int]) -> _Key | None:
    """Level, rank and row; None for a passage that nothing points to."""
    rank = ranks.get(passage.row)
    if passage.bits & NAMED:
        level = 0
    elif passage.bits & ANSWER:
        level = 2 if rank is None else 1
    elif rank is not None:
        level = 3
    elif passage.bits & FIRST:
        level = 4
    else:
        return None
    return level, _UNFOUND if rank is None else rank, passage.row


def _of_pages(
    query: MiningQuery, keys: Mapping[GoldPassage, _Key]
) -> tuple[list[GoldPassage], list[GoldPassage]]:
    """The best passage of each page that counts, and the others of its level."""
    pages: dict[str, list[GoldPassage]] = {}
    for passage in keys:
        pages.setdefault(page_of(passage.id), []).append(passage)
    for passages in pages.values():
        passages.sort(key=keys.__getitem__)
    leaders: list[GoldPassage] = []
    others: list[GoldPassage] = []
    for page in _counting(query.evidence, {page: keys[of[0]][0] for page, of in pages.items()}):
        best, *rest = pages[page]
        level = keys[best][0]
        leaders.append(best)
        if level <= _EVIDENCE:
            others += [passage for passage in rest if keys[passage][0] == level]
    return leaders, others


def _counting(sets: Iterable[Sequence[str]], levels: Mapping[str, int]) -> list[str]:
    """The pages of the sets that count, each once; ``levels`` has those that the corpus has."""
    present = [[page for page in pages if page in levels] for pages in sets]
    present = [pages for pages in present if pages]
    bests = [min(levels[page] for page in pages) for pages in present]
    best = min(bests, default=0)
    counting = [
        pages
        for pages, level in zip(present, bests, strict=True)
        if level == best or best > _EVIDENCE
    ]
    return list(dict.fromkeys(page for pages in counting for page in pages))
