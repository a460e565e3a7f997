"""Topics: queries with ids, read from every format and written as TSV or JSONL."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hyper_ir.bounded import read_whole
from hyper_ir.data import beir, irds, kilt_tasks
from hyper_ir.data.checks import checked_id, checked_text
from hyper_ir.data.formats import Policy
from hyper_ir.data.records import Topic
from hyper_ir.files import atomic_text, read_jsonl, read_lines, require_file
from hyper_ir.problems import Problems

FORMATS = ("auto", "tsv", "beir", "kilt", "pyserini", "ir_datasets")

Placed = Iterator[tuple[str, Topic]]

# What ends a line or a column for one reader or another (Python's, Java's, awk's).
_BREAK = re.compile("\r\n|[\t\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")


def read_topics(
    source: str | os.PathLike[str], format: str = "auto", problems: Problems | None = None
) -> list[Topic]:
    """Read all topics of a file, a BEIR folder, or ``ir_datasets:NAME``, in the file's order.

    Formats: ``tsv`` (id TAB text, the text up to the line's end), ``beir`` ({"_id", "text"}),
    ``kilt`` (task file; markers and line feeds kept), ``pyserini`` (JSONL with an id and a text,
    or one JSON object {id: {"title": text}}), ``ir_datasets``, or ``auto``. Ids stay strings.

    Bad records go to ``problems``: no id or white space in it, an id that was there before, an
    empty text, broken JSON. Raises ValueError where nothing can be read or no topic is left.
    """
    problems = problems if problems is not None else Problems()
    if format not in FORMATS:
        raise ValueError(f"format: {format!r} is none of {', '.join(FORMATS)}")
    topics: list[Topic] = []
    places: dict[str, str] = {}
    for where, topic in _open(os.fspath(source), format, problems):
        try:
            id = checked_id(topic.id, "id")
            text = checked_text(topic.text, "text")
            if not text.strip():
                raise ValueError(f"topic {id:.100} has no text")
            if id in places:
                raise ValueError(f"topic {id:.100} stands at {places[id]} already")
        except ValueError as error:
            problems.found(where, str(error))
            continue
        places[id] = where
        topics.append(Topic(id, text))
    if not topics:
        raise ValueError(f"{source}: no topic could be read\n{problems.summary()}".rstrip())
    return topics


def _open(source: str, format: str, problems: Problems) -> Placed:
    if irds.is_irds(source):
        return irds.read_queries(source, problems)
    if format == "ir_datasets":
        return irds.read_queries(irds.PREFIX + source, problems)
    if beir.is_beir(source):
        source = str(beir.queries_file(source))
    path = require_file(source, "topics")
    if format == "auto":
        format = detect(path, problems.policy)
    if format == "tsv":
        return _read_tsv(path, problems)
    if format == "kilt":
        records = kilt_tasks.read_kilt_task(path, problems)
        return ((record.where, kilt_tasks.topic_of(record)) for record in records)
    if format == "pyserini" and _is_one_object(path):
        return _read_one_object(path, problems)
    return beir.read_json_topics(path, problems)


def detect(path: Path, policy: Policy = "stop") -> str:
    """Tell the format of a topics file by its first record; ValueError where it is empty."""
    problems = Problems(policy, keep=0)
    for _, line in read_lines(path, problems):
        if not line.strip():
            continue
        if not line.startswith("{"):
            return "tsv"
        if _is_one_object(path):
            return "pyserini"
        _, record = next(read_jsonl(path, problems), ("", {}))
        return "kilt" if "input" in record or "output" in record else "beir"
    raise ValueError(f"{path}: the file is empty")


def _is_one_object(path: Path) -> bool:
    """Whether the file is one JSON object of topics, as Anserini's ``topics.*.json``."""
    if ".json" not in path.suffixes:
        return False
    values = _load(path).values()
    return bool(values) and all(isinstance(value, dict) and "title" in value for value in values)


def _load(path: Path) -> dict[str, Any]:
    """The file's one JSON object; empty where it holds anything else, or is too long to be one."""
    try:
        value = json.loads(read_whole(path))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _read_one_object(path: Path, problems: Problems) -> Placed:
    for number, (id, value) in enumerate(_load(path).items(), start=1):
        where = f"{path}: topic {number}"
        try:
            topic = Topic(checked_id(id, "id"), checked_text(value["title"], "title"))
        except ValueError as error:
            problems.found(where, str(error))
            continue
        yield where, topic


def _read_tsv(path: Path, problems: Problems) -> Placed:
    for number, line in read_lines(path, problems):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        id, tab, text = line.partition("\t")
        if not tab:
            problems.found(where, "no tab; a topic is id TAB text")
            continue
        yield where, Topic(id, text)


def write_topics_tsv(path: str | os.PathLike[str], topics: Iterable[Topic]) -> int:
    """Write ``id TAB text`` a line, atomically; gzip where the name ends in ``.gz``.

    Tabs and line ends inside a text become a space each. Returns in how many texts one did.
    Raises ValueError for an id or a text that the file cannot hold.
    """
    changed = 0
    with atomic_text(path) as handle:
        for topic in topics:
            text = _BREAK.sub(" ", checked_text(topic.text, "text"))
            changed += text != topic.text
            handle.write(f"{checked_id(topic.id, 'id')}\t{text}\n")
    return changed


def write_topics_jsonl(path: str | os.PathLike[str], topics: Iterable[Topic]) -> None:
    """Write BEIR's ``{"_id", "text"}`` a line, atomically; every text stays as it is.

    Raises ValueError for an id or a text that the file cannot hold.
    """
    with atomic_text(path) as handle:
        for topic in topics:
            text = checked_text(topic.text, "text")
            record = {"_id": checked_id(topic.id, "id"), "text": text}
            handle.write(json.dumps(record, ensure_ascii=False) + "\n")
