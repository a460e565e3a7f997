"""The records that flow between packages: passages, topics, judgments, hits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """One text of a collection.

    Attributes
    ----------
    id: the passage's id; ``PAGE#N`` where the collection has pages.
    fields: its texts by name in the collection's order, for example title and text.
    where: ``FILE:LINE`` it was read from, for messages.
    """

    id: str
    fields: dict[str, str]
    where: str = ""

    @property
    def contents(self) -> str:
        """The fields joined by line feeds: what Anserini indexes as ``contents``."""
        return "\n".join(self.fields.values())

    @property
    def text(self) -> str:
        """The fields joined by blanks: running text, as a model reads it."""
        return " ".join(self.fields.values())


@dataclass(frozen=True, slots=True)
class Topic:
    """One query with its id."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Judgment:
    """One line of qrels; ``iteration`` holds the evidence set's number in KILT tasks."""

    topic_id: str
    iteration: str
    doc_id: str
    grade: int


@dataclass(frozen=True, slots=True)
class Hit:
    """One line of a run: a document (or page) with its score."""

    doc_id: str
    score: float


def page_of(passage_id: str) -> str:
    """What stands before the last ``#`` of ``PAGE#N``; an id without ``#`` is its own page."""
    return passage_id.rpartition("#")[0] or passage_id
