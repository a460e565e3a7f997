"""KILT's task files: one query a line, with its answers and the evidence for them.

``{"id", "input", "output": [{"answer", "provenance": [{"wikipedia_id", …}]}], "meta"}``. Each
entry of ``output`` is an alternative; the pages of one entry's provenance are needed jointly.
Test files have no ``output``; an entry may hold an answer alone, or provenance alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hyper_ir.data.checks import checked_id, checked_text
from hyper_ir.data.records import Judgment, Topic
from hyper_ir.data.seen_ids import Duplicates
from hyper_ir.files import read_jsonl, require_file
from hyper_ir.problems import Problems


@dataclass(frozen=True, slots=True)
class KiltRecord:
    """One query of a KILT task.

    Attributes
    ----------
    id: the query's id.
    input: its text as it stands, with line feeds (dialogues) and the markers ``[START_ENT]``
        and ``[END_ENT]`` (entity linking); empty where the record has none.
    answers: the different answers that are not empty, in the file's order.
    evidence: the different sets of page ids, in the file's order; the pages of a set in the
        order of their first mention. Empty where the record has no provenance.
    where: ``FILE:LINE``.
    """

    id: str
    input: str
    answers: tuple[str, ...]
    evidence: tuple[tuple[str, ...], ...]
    where: str = ""


def read_kilt_task(
    path: str | os.PathLike[str], problems: Problems | None = None
) -> Iterator[KiltRecord]:
    """Yield the records of a task file, plain or gzip, streaming.

    Memory: one record, and 11 to 21 bytes an id to find duplicates (see ``Duplicates``).
    Bad records go to ``problems``: no id or white space in it, an id that was there before, a
    field of another type than KILT's, a provenance entry without ``wikipedia_id``. Raises
    ValueError where the file does not exist or no record is left.
    """
    problems = problems if problems is not None else Problems()
    return _read(require_file(path, "KILT task"), problems)


def _read(path: Path, problems: Problems) -> Iterator[KiltRecord]:
    duplicates = Duplicates(partial(_places, path))
    for where, value in read_jsonl(path, problems):
        try:
            record = parse_record(value, where)
            before = duplicates.place_before(record.id, where)
            if before is not None:
                raise ValueError(f"id {record.id:.100} stands at {before} already")
        except ValueError as error:
            problems.found(where, str(error))
            continue
        yield record
    if not len(duplicates):
        raise ValueError(f"{path}: no record could be read\n{problems.summary()}".rstrip())


def _places(path: Path) -> Iterator[tuple[str, str]]:
    """The id and place of every good record, as ``_read`` meets them."""
    for where, value in read_jsonl(path, Problems("skip", keep=0)):
        with suppress(ValueError):
            yield parse_record(value, where).id, where


def parse_record(value: dict[str, Any], where: str = "") -> KiltRecord:
    """Check one JSON object of a task file; raises ValueError (without a place)."""
    id = checked_id(value.get("id"), "id")
    text = checked_text(value.get("input"), "input")
    answers: dict[str, None] = {}
    evidence: dict[frozenset[str], tuple[str, ...]] = {}
    for output in _objects(value.get("output"), "output"):
        if answer := checked_text(output.get("answer"), "answer").strip():
            answers[answer] = None
        pages = dict.fromkeys(
            checked_id(_stripped(entry.get("wikipedia_id")), "provenance's wikipedia_id")
            for entry in _objects(output.get("provenance"), "provenance")
        )
        if pages:
            evidence.setdefault(frozenset(pages), tuple(pages))
    return KiltRecord(id, text, tuple(answers), tuple(evidence.values()), where)


def _objects(value: object, name: str) -> list[dict[str, Any]]:
    """The value as a list of JSON objects; null and a missing key are an empty list."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ValueError(f"{name} is not a list of JSON objects")
    return value


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def topic_of(record: KiltRecord) -> Topic:
    """The record as a topic, its text as it stands."""
    return Topic(record.id, record.input)


def judgments_of(records: Iterable[KiltRecord]) -> Iterator[Judgment]:
    """Yield page judgments of grade 1; the iteration numbers a query's evidence sets from 0.

    A page that stands in several sets is judged once in each. Queries without provenance have no
    judgment.
    """
    for record in records:
        for number, pages in enumerate(record.evidence):
            for page in pages:
                yield Judgment(record.id, str(number), page, 1)
