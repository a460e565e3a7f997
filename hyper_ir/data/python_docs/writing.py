"""The collection on disk, in KILT's formats."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hyper_ir.data.python_docs.kinds import TASKS
from hyper_ir.data.python_docs.pages import SPLITS, Page
from hyper_ir.data.python_docs.reading import Reading
from hyper_ir.data.python_docs.selection import DocsTopic
from hyper_ir.files import atomic_directory, atomic_text, write_json
from hyper_ir.outputs import require_output_folder

PAGES = "knowledgesource.jsonl"
DESCRIPTION = "collection.json"


def task_file(task: str, split: str) -> str:
    """The name of a task's file."""
    return f"{task}-{split}-kilt.jsonl"


def write_collection(
    folder: str | os.PathLike[str],
    reading: Reading,
    topics: list[DocsTopic],
    words: int,
    config: dict[str, Any],
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write pages, tasks and a description into a new folder; return the description.

    A page's text is cut after ``words`` words. The folder takes its name when all is written.
    Raises ValueError when it exists, unless ``overwrite`` is set and it holds such a collection
    or nothing.
    """
    folder = check_output(folder, overwrite)
    description = _description(reading, topics, words, config)
    with atomic_directory(folder, replace=overwrite) as partial:
        _write_jsonl(partial / PAGES, (page_record(page, words) for page in reading.pages))
        for task in TASKS:
            for split in SPLITS:
                chosen = [topic for topic in topics if (topic.task, topic.split) == (task, split)]
                if chosen:
                    records = (topic_record(topic, words) for topic in chosen)
                    _write_jsonl(partial / task_file(task, split), records)
        write_json(partial / DESCRIPTION, description)
    return description


def check_output(folder: str | os.PathLike[str], overwrite: bool) -> Path:
    """The folder as a Path; refuse to replace anything that is not a collection of this package."""
    return require_output_folder(folder, overwrite, [DESCRIPTION], "a collection made here")


def _write_jsonl(path: Path, records: Iterable[dict[str, Any]]) -> None:
    with atomic_text(path) as handle:
        for record in records:
            handle.write(json.dumps(record, ensure_ascii=False) + "\n")


def page_record(page: Page, words: int) -> dict[str, Any]:
    """A page in the form of KILT's knowledge source."""
    return {
        "_id": page.id,
        "wikipedia_id": page.id,
        "wikipedia_title": page.title,
        "text": [f"{page.title}\n", *(f"{text}\n" for text in page.paragraphs(words))],
        "anchors": [],
        "categories": "",
    }


def topic_record(topic: DocsTopic, words: int) -> dict[str, Any]:
    """A topic in the form of KILT's task files: one output for each page that answers it."""
    digest = hashlib.sha256(f"{topic.task} {topic.text}".encode()).hexdigest()[:12]
    return {
        "id": f"{topic.task}-{digest}",
        "input": topic.text,
        "output": [
            {
                "answer": page.id,
                "provenance": [
                    {
                        "wikipedia_id": page.id,
                        "title": page.title,
                        "start_paragraph_id": 1,
                        "end_paragraph_id": len(page.paragraphs(words)),
                    }
                ],
            }
            for page in topic.pages
        ],
    }


def _description(
    reading: Reading, topics: list[DocsTopic], words: int, config: dict[str, Any]
) -> dict[str, Any]:
    lengths = [sum(len(text.split()) for text in page.paragraphs(words)) for page in reading.pages]
    counts = Counter((topic.task, topic.split) for topic in topics)
    topic_words = Counter[str]()
    for topic in topics:
        topic_words[topic.task] += len(topic.text.split())
    asked = Counter(topic.task for topic in topics)
    return {
        "config": config,
        "packages": reading.packages,
        "pages": len(reading.pages),
        "pages_of": reading.pages_of,
        "mean_words": round(sum(lengths) / max(len(lengths), 1), 1),
        "reading": dict(sorted(reading.counts.items())),
        "unreadable": reading.unreadable,
        "tasks": {
            task: {
                **{split: counts[task, split] for split in SPLITS},
                "mean_words": round(topic_words[task] / asked[task], 1) if asked[task] else 0.0,
            }
            for task in TASKS
        },
    }
