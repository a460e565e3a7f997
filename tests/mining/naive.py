"""Mining as it is described, over lists, each passage against each query: slow and plain."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import regex


@dataclass
class Text:
    """A passage."""

    id: str
    title: str
    text: str

    @property
    def page(self) -> str:
        return self.id.rsplit("#", 1)[0]


@dataclass
class Query:
    """A query with its evidence sets of pages, or its judged documents, and what was found."""

    id: str
    sets: list[list[str]]
    answers: list[str]
    found: list[str]
    grades: dict[str, int] = field(default_factory=dict)


def tokens(text: str) -> list[str]:
    """DPR's tokens, character by character."""
    found: list[str] = []
    word = ""
    for sign in unicodedata.normalize("NFD", text):
        if regex.match(r"[\p{L}\p{N}\p{M}]", sign):
            word += sign
            continue
        if word:
            found.append(word)
        word = ""
        if not regex.match(r"[\p{Z}\p{C}]", sign):
            found.append(sign)
    return [token.lower() for token in (*found, word) if token]


def has_answer(text: str, answers: Sequence[str]) -> bool:
    """DPR's loop over the places at which an answer could begin."""
    words = tokens(text)
    for answer in map(tokens, answers):
        for start in range(len(words) - len(answer) + 1):
            if answer and words[start : start + len(answer)] == answer:
                return True
    return False


def is_copy(one: Text, other: Text) -> bool:
    mine, others = tokens(one.text), tokens(other.text)
    if len(mine) >= 10 or len(others) >= 10:
        return mine == others
    return tokens(one.title) + mine == tokens(other.title) + others


def mine(
    corpus: list[Text], query: Query, positives: int, negatives: int
) -> tuple[list[str], list[str], Counter[str]]:
    """The ids of positives and negatives, and how many candidates were dropped for what."""
    by_id = {text.id: text for text in corpus}
    pages = {page for pages in query.sets for page in pages}
    if query.grades:
        gold = [text for text in corpus if text.id in query.grades]
        chosen = sorted(gold, key=lambda text: judged_key(text, query))[:positives]
        pages |= {re.sub("#[^#]*$", "", id) for id in query.grades}
    else:
        gold = []
        chosen = of_pages(corpus, query, positives)
    dropped: Counter[str] = Counter()
    kept: list[str] = []
    for id in query.found:
        text = by_id.get(id)
        if text is None:
            dropped["not in the corpus"] += 1
        elif text in chosen or text in gold:
            dropped["gold document"] += 1
        elif text.page in pages:
            dropped["gold page"] += 1
        elif has_answer(f"{text.title}\n{text.text}", query.answers):
            dropped["answer"] += 1
        elif any(is_copy(text, each) for each in [*chosen, *gold]):
            dropped["copy"] += 1
        else:
            kept.append(id)
    return [text.id for text in chosen], kept[:negatives], dropped


def judged_key(text: Text, query: Query) -> tuple[int, int, int]:
    rank = query.found.index(text.id) if text.id in query.found else 1_000
    order = sorted(query.grades, key=lambda id: list(query.grades).index(id))
    return -query.grades[text.id], rank, order.index(text.id)


def of_pages(corpus: list[Text], query: Query, limit: int) -> list[Text]:
    """The levels 1 to 4 of the docstring of ``positives``."""
    places = {text.id: place for place, text in enumerate(corpus)}

    def level(text: Text) -> int:
        answers = has_answer(f"{text.title}\n{text.text}", query.answers)
        if answers:
            return 1 if text.id in query.found else 2
        if text.id in query.found:
            return 3
        return 4 if next(t for t in corpus if t.page == text.page) is text else 5

    def key(text: Text) -> tuple[int, int, int]:
        rank = query.found.index(text.id) if text.id in query.found else 1_000
        return level(text), rank, places[text.id]

    there = [
        [page for page in pages if any(t.page == page for t in corpus)] for pages in query.sets
    ]
    there = [pages for pages in there if pages]
    best_of = [min(level(t) for t in corpus if t.page in pages) for pages in there]
    best = min(best_of, default=9)
    counting = {
        page
        for pages, mine in zip(there, best_of, strict=True)
        for page in pages
        if mine == best or best > 2
    }
    leaders: list[Text] = []
    others: list[Text] = []
    for page in counting:
        ordered = sorted((text for text in corpus if text.page == page), key=key)
        leaders.append(ordered[0])
        same = [text for text in ordered[1:] if level(text) == level(ordered[0])]
        others += same if level(ordered[0]) <= 2 else []
    chosen = sorted(leaders, key=key)[:limit]
    chosen += sorted(others, key=key)[: limit - len(chosen)]
    return sorted(chosen, key=key)
