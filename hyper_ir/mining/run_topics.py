"""A run file of any size, a topic at a time."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator

from hyper_ir.data.records import Hit
from hyper_ir.data.runs import COLUMNS, order_hits
from hyper_ir.files import read_lines, require_file
from hyper_ir.problems import Problems

_LINE = re.compile(r"\s*(\S+)\s+\S+\s+(\S+)\s+[+-]?\d+\s+(\S+)\s+(\S+)(?:\s.*)?")


def read_run_topics(
    path: str | os.PathLike[str], problems: Problems | None = None
) -> Iterator[tuple[str, list[Hit]]]:
    """Yield ``(topic, its hits ordered by order_hits)``; the lines of a topic stand together.

    Unlike ``read_run`` this holds one topic in memory. Goes to ``problems``: what is no line of
    a run, a document that its topic has already, a second tag, and a topic whose lines begin
    anew further down (sort the run by topic).
    """
    problems = problems if problems is not None else Problems()
    finished: set[str] = set()
    current = ""
    hits: dict[str, Hit] = {}
    for where, topic, hit in _read_hits(path, problems):
        if topic != current:
            if hits:
                yield current, order_hits(hits.values())
                finished.add(current)
            current, hits = topic, {}
        if topic in finished:
            name = f"topic {topic!r:.100}"
            problems.found(where, f"{name} stands further up too; sort the run by topic")
        elif hit.doc_id in hits:
            name = f"document {hit.doc_id!r:.100}"
            problems.found(where, f"{name} a second time for topic {topic!r:.100}")
        else:
            hits[hit.doc_id] = hit
    if hits:
        yield current, order_hits(hits.values())


def _read_hits(path: str | os.PathLike[str], problems: Problems) -> Iterator[tuple[str, str, Hit]]:
    """Yield ``(place, topic, hit)`` of every line in order."""
    first_tag = ""
    for number, line in read_lines(require_file(path, "run"), problems):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        matched = _LINE.fullmatch(line)
        score = _number(matched[3]) if matched else math.nan
        if matched is None or not math.isfinite(score):
            problems.found(where, f"no line of a run: {COLUMNS}, with a number as the score")
            continue
        tag = matched[4]
        first_tag = first_tag or tag
        if tag != first_tag:
            problems.found(where, f"tag {tag!r} after tag {first_tag!r}: two runs in one file?")
            continue
        yield where, matched[1], Hit(matched[2], score)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
