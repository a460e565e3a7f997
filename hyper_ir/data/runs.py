"""TREC run files, and what happens to a ranked list on its way into one.

A line reads ``topic Q0 doc_id rank score tag``. The score decides the ranking, as in trec_eval;
the rank column must be an integer and is otherwise ignored.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from hyper_ir.data.checks import checked_id, shortened
from hyper_ir.data.records import Hit, page_of
from hyper_ir.files import atomic_text, read_lines, require_file
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

COLUMNS = "topic Q0 doc_id rank score tag"


@dataclass(frozen=True, slots=True)
class RunFile:
    """What a run file says.

    Attributes
    ----------
    tag: the name in its last column; empty where the file has no line.
    scores: score by document id, by topic id, both in the file's order.
    """

    tag: str
    scores: dict[str, dict[str, float]]


def read_run(
    path: str | os.PathLike[str], problems: Problems | None = None
) -> dict[str, list[Hit]]:
    """Read a TREC run (gzip allowed): the hits of every topic, ordered by ``order_hits``.

    Raises ValueError (or tells ``problems``) for what ``read_run_file`` refuses.
    """
    scores = read_run_file(path, problems).scores
    return {
        topic_id: order_hits([Hit(*item) for item in found.items()])
        for topic_id, found in scores.items()
    }


def read_run_file(path: str | os.PathLike[str], problems: Problems | None = None) -> RunFile:
    """Read a TREC run (gzip allowed) as plain dictionaries, the form that measures take.

    Goes to ``problems`` (by default ValueError with FILE:LINE): a line without six columns, a
    rank that is no integer, a score that is no finite number, a document that its topic has
    already, and a second tag (two runs in one file). As in trec_eval, words after the tag
    are ignored.
    """
    require_file(path, "run")
    problems = problems if problems is not None else Problems()
    tag = ""
    scores: dict[str, dict[str, float]] = {}
    for number, line in read_lines(path, problems):
        columns = line.split(None, 6)
        if not columns:
            continue
        score = _score(columns)
        if score is None:
            problems.found(f"{path}:{number}", _complaint(columns))
            continue
        topic_id, doc_id = columns[0], columns[2]
        found = scores.get(topic_id)
        if found is None:
            found = scores[topic_id] = {}
        if doc_id in found:
            document, topic = shortened(doc_id), shortened(topic_id)
            complaint = f"document {document} a second time for topic {topic}"
            problems.found(f"{path}:{number}", complaint)
            continue
        if columns[5] != tag:
            if tag:
                other = f"tag {shortened(columns[5])} after tag {shortened(tag)}"
                complaint = f"{other}: two runs in one file?"
                problems.found(f"{path}:{number}", complaint)
                continue
            tag = columns[5]
        found[doc_id] = score
    return RunFile(tag, {topic_id: found for topic_id, found in scores.items() if found})


def tag_of(
    path: str | os.PathLike[str], policy: Literal["stop", "skip"] = "stop"
) -> tuple[str, int]:
    """The tag of a run's first line (under ``"skip"``: the first in order), and its number.

    Raises ValueError with FILE:LINE where that line is broken, and where there is none.
    """
    require_file(path, "run")
    problems = Problems(policy, keep=0)
    for number, line in read_lines(path, problems):
        columns = line.split(None, 6)
        if not columns:
            continue
        if _score(columns) is not None:
            return columns[5], number
        problems.found(f"{path}:{number}", _complaint(columns))
    raise ValueError(f"{path}: the run holds no result")


def parse_line(line: str) -> tuple[str, Hit, str]:
    """The topic, the hit and the tag of a line; ValueError (without a place) for another line."""
    columns = line.split(None, 6)
    score = _score(columns)
    if score is None:
        raise ValueError(_complaint(columns))
    return columns[0], Hit(columns[2], score), columns[5]


def _score(columns: list[str]) -> float | None:
    """The score of a line in order, else None; white space in an id shifts the columns."""
    try:
        score = float(columns[4])
    except (IndexError, ValueError):
        return None
    rank = columns[3]
    if not (rank.isdecimal() or _is_integer(rank)) or not -math.inf < score < math.inf:
        return None
    if len(columns) == 6 or (len(columns) > 6 and not math.isfinite(_number(columns[5]))):
        return score
    return None


def _complaint(columns: list[str]) -> str:
    """Why ``_score`` returned None for these columns."""
    if len(columns) < 6:
        return f"{counted(len(columns), 'column')} where a run has six: {COLUMNS}"
    if not _is_integer(columns[3]):
        return f"rank {shortened(columns[3])} is not an integer; the columns of a run are {COLUMNS}"
    if not math.isfinite(_number(columns[4])):
        return f"score {shortened(columns[4])} is not a finite number"
    return f"more than six columns ({COLUMNS}): ids cannot hold white space"


def _is_integer(text: str) -> bool:
    return text.isdecimal() or (text[:1] in "+-" and text[1:].isdecimal())


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def write_run(
    path: str | os.PathLike[str],
    results: Iterable[tuple[str, Sequence[Hit]]],
    tag: str,
    beside: Callable[[], object] | None = None,
) -> int:
    """Write a TREC run as Pyserini's TrecWriter does and return its number of lines.

    ``results`` gives each topic once, with its hits from best to worst. The file appears only
    when it is whole; ``.gz`` in its name compresses it. Raises ValueError for an id or tag
    that is empty or holds white space, a topic or document given twice, a score that is not
    finite, and hits out of order; also where another process is writing the run. ``beside`` is as
    in :func:`~hyper_ir.files.atomic_file`.
    """
    checked_id(tag, "tag")
    topics: set[str] = set()
    lines = 0
    with atomic_text(path, beside, wait=False) as handle:
        for topic_id, hits in results:
            checked_id(topic_id, "topic id")
            if topic_id in topics:
                raise ValueError(f"run {path}: topic {topic_id!r} is given twice")
            topics.add(topic_id)
            _check_hits(topic_id, hits)
            handle.writelines(run_lines(topic_id, hits, tag))
            lines += len(hits)
    return lines


def run_lines(topic_id: str, hits: Sequence[Hit], tag: str) -> Iterator[str]:
    """A topic's lines, as Pyserini's TrecWriter has them; nothing is checked."""
    for rank, hit in enumerate(hits, start=1):
        yield f"{topic_id} Q0 {hit.doc_id} {rank} {hit.score:.6f} {tag}\n"


def _check_hits(topic_id: str, hits: Sequence[Hit]) -> None:
    documents: set[str] = set()
    last = math.inf
    for hit in hits:
        checked_id(hit.doc_id, f"topic {topic_id!r}: document id")
        if hit.doc_id in documents:
            raise ValueError(f"topic {topic_id!r}: document {hit.doc_id!r} is given twice")
        documents.add(hit.doc_id)
        if not math.isfinite(hit.score):
            raise ValueError(f"topic {topic_id!r}: document {hit.doc_id!r} has score {hit.score}")
        if hit.score > last:
            raise ValueError(
                f"topic {topic_id!r}: document {hit.doc_id!r} scores more than the one before "
                "it; order the hits from best to worst (order_hits)"
            )
        last = hit.score


def order_hits(hits: Iterable[Hit]) -> list[Hit]:
    """From best to worst: score descending, ties by document id ascending, as Anserini has it."""
    return sorted(hits, key=lambda hit: (-hit.score, hit.doc_id))


def to_pages(hits: Iterable[Hit], limit: int | None = None) -> list[Hit]:
    """Each page once, at the place and with the score of its best-ranked passage.

    ``hits`` are passages from best to worst; ``limit`` is the most pages to return.
    """
    pages: dict[str, Hit] = {}
    for hit in hits:
        if limit is not None and len(pages) >= limit:
            break
        page = page_of(hit.doc_id)
        if page not in pages:
            pages[page] = Hit(page, hit.score)
    return list(pages.values())


def remove_query(hits: Iterable[Hit], topic_id: str) -> list[Hit]:
    """The hits without the document that has the topic's own id (ArguAna, Quora)."""
    return [hit for hit in hits if hit.doc_id != topic_id]
