"""Qrels: judgments in TREC's four columns (iteration kept) or BEIR's three with a header."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from hyper_ir.data import beir, irds, kilt_tasks
from hyper_ir.data.checks import checked_id, shortened
from hyper_ir.data.records import Judgment
from hyper_ir.data.topics import detect as detect_topics
from hyper_ir.files import atomic_text, read_lines, require_file
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

BEIR_HEADER = ("query-id", "corpus-id", "score")
MOST_COLUMNS = 20
"""Of a line that are told apart: it has 3 or 4, or is told to have too many."""
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")

Placed = Iterator[tuple[str, Judgment]]


def read_qrels(
    source: str | os.PathLike[str], problems: Problems | None = None, split: str = "test"
) -> list[Judgment]:
    """Read all judgments, in the file's order.

    ``source``: a TREC qrels file (topic, iteration, document, grade); BEIR's TSV (query-id,
    corpus-id, score; iteration 0); a BEIR folder, of which ``qrels/SPLIT.tsv`` is read; a KILT
    task file (pages, iteration = evidence set); ``ir_datasets:NAME``. Plain or gzip.

    Bad lines go to ``problems``: another number of columns, a grade that is no integer, the same
    document judged twice for a topic in one iteration. Raises ValueError where no judgment is
    left.
    """
    problems = problems if problems is not None else Problems()
    judgments: list[Judgment] = []
    places: dict[tuple[str, str, str], str] = {}
    for where, judgment in _open(os.fspath(source), problems, split):
        try:
            checked = _checked(judgment)
            key = (checked.topic_id, checked.iteration, checked.doc_id)
            if key in places:
                raise ValueError(
                    f"topic {key[0]:.100}, document {key[2]:.100} is judged at {places[key]} "
                    "already"
                )
        except ValueError as error:
            problems.found(where, str(error))
            continue
        places[key] = where
        judgments.append(checked)
    if not judgments:
        raise ValueError(f"{source}: no judgment could be read\n{problems.summary()}".rstrip())
    return judgments


def _checked(judgment: Judgment) -> Judgment:
    grade = judgment.grade
    if isinstance(grade, bool) or not isinstance(grade, int):
        raise ValueError(f"grade {shortened(grade)} is not an integer")
    return Judgment(
        checked_id(judgment.topic_id, "topic id"),
        checked_id(judgment.iteration, "iteration"),
        checked_id(judgment.doc_id, "document id"),
        grade,
    )


def _open(source: str, problems: Problems, split: str) -> Placed:
    if irds.is_irds(source):
        return irds.read_judgments(source)
    if Path(source).is_dir():
        return _read_columns(beir.qrels_file(source, split), problems)
    path = require_file(source, "qrels")
    if is_kilt(path, problems):
        return _read_kilt(path, problems)
    return _read_columns(path, problems)


def is_kilt(path: Path, problems: Problems) -> bool:
    """Whether the file's first record is one of a KILT task."""
    return detect_topics(path, problems.policy) == "kilt"


def _read_kilt(path: Path, problems: Problems) -> Placed:
    for record in kilt_tasks.read_kilt_task(path, problems):
        for judgment in kilt_tasks.judgments_of([record]):
            yield record.where, judgment


def _read_columns(path: Path, problems: Problems) -> Placed:
    for number, line in read_lines(path, problems):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        columns = line.split(None, MOST_COLUMNS)
        if number == 1 and tuple(columns) == BEIR_HEADER:
            continue
        try:
            judgment = _parse(columns)
        except ValueError as error:
            problems.found(where, str(error))
            continue
        yield where, judgment


def _parse(columns: list[str]) -> Judgment:
    if len(columns) == 4:
        topic_id, iteration, doc_id, grade = columns
    elif len(columns) == 3:
        topic_id, doc_id, grade = columns
        iteration = "0"
    else:
        raise ValueError(
            f"{counted(len(columns), 'column')}; 4 are needed (topic, iteration, document, grade) "
            "or BEIR's 3 (query-id, corpus-id, score); a KILT file has JSON objects"
        )
    if not _INTEGER.fullmatch(grade):
        raise ValueError(f"grade {shortened(grade)} is not an integer")
    return Judgment(topic_id, iteration, doc_id, int(grade))


def write_qrels(path: str | os.PathLike[str], judgments: Iterable[Judgment]) -> int:
    """Write TREC qrels, atomically; gzip where the name ends in ``.gz``; return how many lines.

    Raises ValueError for a judgment that a line cannot hold.
    """
    count = 0
    with atomic_text(path) as handle:
        for each in map(_checked, judgments):
            handle.write(f"{each.topic_id} {each.iteration} {each.doc_id} {each.grade}\n")
            count += 1
    return count
