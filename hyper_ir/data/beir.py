"""BEIR folders: ``corpus.jsonl[.gz]``, ``queries.jsonl[.gz]`` and ``qrels/SPLIT.tsv``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hyper_ir.data.checks import checked_id, checked_text
from hyper_ir.data.records import Judgment, Topic
from hyper_ir.files import read_jsonl, require_directory
from hyper_ir.problems import Problems

ID_KEYS = ("_id", "id", "qid", "query_id")
TEXT_KEYS = ("text", "title", "contents", "query")


def is_beir(source: str | os.PathLike[str]) -> bool:
    """Whether the source is a folder with BEIR's queries."""
    return Path(source).is_dir() and _present(Path(source), "queries", ".jsonl") is not None


def queries_file(folder: str | os.PathLike[str]) -> Path:
    """The folder's ``queries.jsonl`` or ``queries.jsonl.gz``; ValueError where it has none."""
    path = _present(require_directory(folder, "BEIR folder"), "queries", ".jsonl")
    if path is None:
        raise ValueError(f"BEIR folder: {folder} has no queries.jsonl")
    return path


def qrels_file(folder: str | os.PathLike[str], split: str) -> Path:
    """The folder's ``qrels/SPLIT.tsv``; ValueError naming the splits that it has."""
    inside = require_directory(folder, "BEIR folder") / "qrels"
    path = _present(inside, split, ".tsv")
    if path is None:
        raise ValueError(
            f"BEIR folder: {folder} has no qrels/{split}.tsv; "
            f"it has the splits {', '.join(splits(folder)) or '(none)'}"
        )
    return path


def splits(folder: str | os.PathLike[str]) -> list[str]:
    """The names of the splits that have judgments, sorted."""
    names = (path.name.removesuffix(".gz") for path in (Path(folder) / "qrels").glob("*.tsv*"))
    return sorted({name.removesuffix(".tsv") for name in names if name.endswith(".tsv")})


def _present(folder: Path, stem: str, suffix: str) -> Path | None:
    for name in (stem + suffix, stem + suffix + ".gz"):
        if (folder / name).is_file():
            return folder / name
    return None


def read_json_topics(path: Path, problems: Problems) -> Iterator[tuple[str, Topic]]:
    """Yield ``(place, topic)`` of BEIR's and Pyserini's JSONL: an id and a text a line.

    The id stands under one of ``ID_KEYS``, the text under one of ``TEXT_KEYS``.
    """
    for where, record in read_jsonl(path, problems):
        try:
            topic = parse_topic(record)
        except ValueError as error:
            problems.found(where, str(error))
            continue
        yield where, topic


def parse_topic(record: dict[str, Any]) -> Topic:
    """The topic that a JSON object holds; raises ValueError (without a place)."""
    id_key = next((key for key in ID_KEYS if key in record), "_id")
    text_key = next((key for key in TEXT_KEYS if key in record), "text")
    return Topic(
        checked_id(record.get(id_key), id_key), checked_text(record.get(text_key), text_key)
    )


def judged_topics(topics: list[Topic], judgments: list[Judgment]) -> list[Topic]:
    """The topics that have a judgment, in their order: a split's queries."""
    judged = {judgment.topic_id for judgment in judgments}
    return [topic for topic in topics if topic.id in judged]
