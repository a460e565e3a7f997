"""Whether a passage contains an answer: DPR's test, by which negatives and positives are told.

A text becomes tokens as DPR's SimpleTokenizer makes them (Unicode NFD; runs of letters, digits
and marks, every other visible character by itself; lower case), and an answer is contained where
its tokens follow one another in the passage's. Written with a blank on either side of every
token, that is a test whether one string is part of another.

Not every answer is words of the evidence:

- **labels**: FEVER's SUPPORTS and REFUTES say what a claim is, and a passage that happens to
  hold the word proves nothing. A task of at least ``LEAST_QUERIES`` queries with answers whose
  different answers are at most ``MOST_LABELS`` has labels.
- **ignored answers**: *yes* and *no* among real answers, as in HotpotQA. They are left out of a
  query's answers; a query that has no other has none.
- **titles**: in entity linking the answer is the title of the gold page. Other pages that name
  the entity are what a linker must tell from it, not further places of the answer. The task
  file tells, by the titles in its provenance (``provenance.answers_are_titles``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal

import regex

Use = Literal["words", "labels", "titles", "none"]
"""What a task's answers are: words of the evidence, labels, titles of gold pages, or absent."""

IGNORED = ("yes", "no", "true", "false", "supports", "refutes")

LEAST_QUERIES = 20
MOST_LABELS = 5

_TOKEN = regex.compile(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]")


def normalised(text: str) -> str:
    """The text's tokens in lower case with a blank between them; empty where it has none."""
    # Lower case last: a capital sigma is written by where it stands in its own token.
    return " ".join(_TOKEN.findall(unicodedata.normalize("NFD", text))).lower()


def padded(text: str) -> str:
    """A normalised text with a blank on either side, in which answers are looked for."""
    return f" {text} "


def usable(answers: Iterable[str], ignored: Iterable[str] = IGNORED) -> tuple[str, ...]:
    """The different answers that have tokens and are not ignored, normalised and padded."""
    left_out = {normalised(each) for each in ignored} | {""}
    kept = dict.fromkeys(normalised(answer) for answer in answers)
    return tuple(padded(answer) for answer in kept if answer not in left_out)


def has_answer(text: str, answers: Sequence[str]) -> bool:
    """Whether a padded text contains one of the answers of :func:`usable`."""
    return any(answer in text for answer in answers)


def are_labels(answers_of_queries: Iterable[Sequence[str]]) -> bool:
    """Whether a task's answers are a small closed set; queries without answers do not count."""
    different: set[str] = set()
    queries = 0
    for answers in answers_of_queries:
        different.update(map(normalised, answers))
        queries += bool(answers)
        if len(different) > MOST_LABELS:
            return False
    return queries >= LEAST_QUERIES
