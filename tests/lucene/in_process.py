"""Lucene indexes made inside this process: many of them in the time of one process of Java."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from hyper_ir.lucene import jvm, pyserini_api
from hyper_ir.lucene.java import Java


def index_collection(
    java: Java, arguments: Sequence[str], documents: int, log: Path, progress: bool
) -> None:
    """In the place of ``hyper_ir.lucene.index_collection.index_collection``."""
    jvm.start()
    main = pyserini_api.load().autoclass("io.anserini.index.IndexCollection").main
    main([*arguments, "-quiet"])


def index_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``build_…`` index so."""
    monkeypatch.setattr("hyper_ir.lucene.indexing.index_collection", index_collection)
