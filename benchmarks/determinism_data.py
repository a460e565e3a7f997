"""A small collection in KILT's formats, of any texts: pages, and queries that each answer one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from hyper_ir.files import atomic_text

EVERY = 10
"""Of so many pages one has a query."""

QUERY_WORDS = 8


def write_pages(path: Path, texts: Sequence[str], backwards: bool = False) -> Path:
    """A page for each text, its first words the title; ``backwards`` begins with the last."""
    order = range(len(texts))
    with atomic_text(path) as handle:
        for number in reversed(order) if backwards else order:
            words = texts[number].split()
            title = " ".join(words[:3])
            record = {
                "_id": str(number),
                "wikipedia_id": str(number),
                "wikipedia_title": title,
                "text": [title, " ".join(words[3:])],
            }
            handle.write(json.dumps(record) + "\n")
    return path


def write_task(path: Path, texts: Sequence[str]) -> Path:
    """Queries of words from the middle of a page; the answer is the word behind them."""
    with atomic_text(path) as handle:
        for number in range(0, len(texts), EVERY):
            words = texts[number].split()
            start = max(0, min(len(words) // 2, len(words) - QUERY_WORDS - 1))
            query = words[start : start + QUERY_WORDS]
            answer = words[min(start + QUERY_WORDS, len(words) - 1)]
            page = {"wikipedia_id": str(number), "title": " ".join(words[:3])}
            record = {
                "id": f"q{number}",
                "input": " ".join(query),
                "output": [{"answer": answer, "provenance": [page]}],
            }
            handle.write(json.dumps(record) + "\n")
    return path
