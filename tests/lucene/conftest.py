"""A small collection, indexed once for all tests of the package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyper_ir.lucene.java import Java
from tests.java_here import java_or_skip


@pytest.fixture(scope="session")
def java_here() -> Java:
    """The Java that hyper_ir finds on this machine."""
    return java_or_skip()


def write_vectors(path: Path, vectors: dict[str, dict[str, int]]) -> Path:
    """Anserini's JSONL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as handle:
        for id, vector in vectors.items():
            record = {"id": id, "contents": "", "vector": vector}
            handle.write(json.dumps(record, ensure_ascii=False) + "\n")
    return path
