"""What KILT's provenance says besides its pages: their titles, and paragraphs.

Both are read from the task file itself, whose records ``read_kilt_task`` has checked: broken ones
are passed over here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from hyper_ir.files import read_jsonl
from hyper_ir.mining.answers import LEAST_QUERIES, normalised
from hyper_ir.problems import Problems

TITLES = 0.9
"""The share of queries from which on a task's answers count as titles."""

ENOUGH = 1000
"""Queries that are looked at to tell it."""

MOST_PARAGRAPHS = 20
"""A longer span is a page, not a paragraph."""


def answers_are_titles(path: Path) -> bool:
    """Whether the answers are the titles of the gold pages, as in entity linking.

    Told by the first queries that have both: at least ``LEAST_QUERIES`` of them.
    """
    equal = seen = 0
    for record in islice(_with_titles(path), ENOUGH):
        answers = {normalised(_text(output.get("answer"))) for output in _outputs(record)}
        titles = {normalised(title) for title in _titles(record)}
        if any(answers):
            seen += 1
            equal += not titles.isdisjoint(answers - {""})
    return seen >= LEAST_QUERIES and equal >= TITLES * seen


def named_passages(path: Path) -> dict[str, tuple[str, ...]]:
    """The passages ``PAGE#n`` that each query's provenance names, by query id.

    ``start_paragraph_id`` and ``end_paragraph_id`` count the elements of the page's ``text``:
    exactly the N of ``PAGE#N`` in a knowledge source cut with ``by="paragraph"``. In one cut into
    blocks of words, N is something else.
    """
    named: dict[str, tuple[str, ...]] = {}
    for record in _records(path):
        ids = dict.fromkeys(id for entry in _entries(record) for id in _passages(entry))
        if ids:
            named.setdefault(_text(record.get("id")), tuple(ids))
    return named


def _records(path: Path) -> Iterator[dict[str, Any]]:
    return (record for _, record in read_jsonl(path, Problems("skip", keep=0)))


def _with_titles(path: Path) -> Iterator[dict[str, Any]]:
    return (record for record in _records(path) if any(_titles(record)))


def _titles(record: dict[str, Any]) -> list[str]:
    return [_text(entry.get("title")) for entry in _entries(record)]


def _entries(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for output in _outputs(record) for entry in _objects(output.get("provenance"))]


def _outputs(record: dict[str, Any]) -> list[dict[str, Any]]:
    return _objects(record.get("output"))


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    """A string or a number as text; empty for anything else."""
    return str(value) if isinstance(value, str | int | float) else ""


def _passages(entry: dict[str, Any]) -> list[str]:
    start, end = entry.get("start_paragraph_id"), entry.get("end_paragraph_id")
    page = _text(entry.get("wikipedia_id")).strip()
    end = start if end is None else end
    if type(start) is not int or type(end) is not int or not page:
        return []
    if not 1 <= start <= end < start + MOST_PARAGRAPHS:
        return []
    return [f"{page}#{number}" for number in range(start, end + 1)]
