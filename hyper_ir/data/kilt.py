"""KILT's knowledge source: Wikipedia pages, and the passages they are cut into.

A record is one page: ``_id``, ``wikipedia_id``, ``wikipedia_title`` and ``text``, a list whose
first element is the title line and whose further elements are paragraphs. Two markers stand in
front of paragraphs: ``Section::::`` before the name of a section, and ``BULLET::::`` before an
item of a list. As in KILT's own preparation of passages, a section's name is not text and is
left out; of an item the marker goes and the words stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from hyper_ir.data.checks import checked_id, checked_text
from hyper_ir.data.json_arrays import read_records
from hyper_ir.data.records import Passage
from hyper_ir.problems import Problems

FIELDS = ("title", "text")
SECTION = "Section::::"
MOST_PARAGRAPHS = 100_000
"""Of a page: all its passages are held at a time. Wikipedia's longest has some thousands."""

_BULLET = re.compile(r"BULLET::::\s*(?:-\s+)?")

By = Literal["words", "paragraph"]


def passages_of_page(
    record: dict[str, Any],
    words: int = 100,
    where: str = "",
    by: By = "words",
    docid_field: str | None = None,
) -> list[Passage]:
    """Cut one page of the knowledge source into passages with the fields title and text.

    ``by="words"``: the paragraphs follow one another (the title line and the names of sections
    left out) and are cut into disjoint blocks of ``words`` words, as for DPR and KILT's multi-task
    retrievers; the last block may be shorter; ids are ``PAGE#0``, ``PAGE#1``, … A word is what
    stands between white space.

    ``by="paragraph"``: one passage a paragraph that has words, with the id ``PAGE#n``, where n
    is the paragraph's place in ``text`` (from 1, as in KILT's ``start_paragraph_id``).

    A page without words gives one passage with its title and an empty text, ``PAGE#0``, so that
    every page can be found. Raises ValueError (without a place) where the record is no such page.
    """
    page = _page_id(record, docid_field)
    title = checked_text(record.get("wikipedia_title"), "wikipedia_title").split()
    paragraphs = record.get("text")
    if not isinstance(paragraphs, list):
        raise ValueError("text is not a list of paragraphs, as a KILT page has it")
    if len(paragraphs) > MOST_PARAGRAPHS:
        raise ValueError(f"text has {len(paragraphs):,} paragraphs, over {MOST_PARAGRAPHS:,}")
    texts = [_unmarked(checked_text(text, "text")).split() for text in paragraphs]
    if not title and texts:
        title = texts[0]
    title_text = " ".join(title)
    if by == "paragraph":
        numbered = [(n, text) for n, text in enumerate(texts) if n and text]
    else:
        run = list(chain.from_iterable(texts[1:]))
        numbered = [(n, run[at : at + words]) for n, at in enumerate(range(0, len(run), words))]
    if not numbered and title_text:
        numbered = [(0, [])]
    return [
        Passage(f"{page}#{n}", {"title": title_text, "text": " ".join(text)}, where)
        for n, text in numbered
    ]


def read_pages(
    path: Path,
    problems: Problems,
    words: int,
    by: By,
    fields: Sequence[str] = FIELDS,
    docid_field: str | None = None,
) -> Iterator[tuple[str, list[Passage]]]:
    """Yield ``(page id, its passages)`` of every page of a knowledge source, streaming.

    Of the passages' fields those in ``fields`` are kept, in that order.
    """
    for where, record in read_records(path, problems):
        try:
            passages = passages_of_page(record, words, where, by, docid_field)
            if fields != FIELDS:
                passages = _with_fields(passages, fields)
            if not passages:
                raise ValueError(f"the page has no {' and no '.join(fields)}")
        except ValueError as error:
            problems.found(where, str(error))
            continue
        yield _page_id(record, docid_field), passages


def _with_fields(passages: list[Passage], fields: Sequence[str]) -> list[Passage]:
    """The passages with these fields alone; those that then have no text are left out."""
    kept = [Passage(p.id, {name: p.fields[name] for name in fields}, p.where) for p in passages]
    return [passage for passage in kept if any(passage.fields.values())]


def _page_id(record: dict[str, Any], docid_field: str | None) -> str:
    name = docid_field or ("wikipedia_id" if "wikipedia_id" in record else "_id")
    return checked_id(record.get(name), name)


def _unmarked(paragraph: str) -> str:
    """The paragraph without its marker; empty for the name of a section."""
    paragraph = paragraph.strip()
    if paragraph.startswith(SECTION):
        return ""
    marker = _BULLET.match(paragraph)
    return paragraph[marker.end() :] if marker else paragraph
