"""Vectors and topics to search where none are given: documentation installed here."""

from __future__ import annotations

import tempfile
from pathlib import Path

PACKAGES = ("stdlib", "numpy")
WORDS = 40
"""Of a page's text, as in the quickstart."""

TOKENS = 60_000
"""That the lexical head is fitted on, as in the quickstart."""

TRAIN_TOPICS = 200
"""Of each kind; a quarter as many test topics, which are searched."""


def make_vectors(folder: Path, encoder: Path) -> tuple[Path, Path]:
    """A folder of vectors and a file of encoded topics below ``folder``, by a lexical MiniLM."""
    from hyper_ir.data.corpus import open_corpus
    from hyper_ir.data.python_docs.collect import CollectConfig, collect
    from hyper_ir.data.python_docs.writing import PAGES
    from hyper_ir.data.topics import read_topics
    from hyper_ir.encode.documents import encode_corpus
    from hyper_ir.encode.engine import Engine
    from hyper_ir.encode.grafting import SampleConfig, graft
    from hyper_ir.encode.topics import encode_topics

    vectors, topics = folder / "vectors", folder / "topics.jsonl"
    with tempfile.TemporaryDirectory(dir=folder) as name:
        docs = Path(name) / "docs"
        collect(docs, CollectConfig(PACKAGES, WORDS, TRAIN_TOPICS))
        corpus = open_corpus(str(docs / PAGES), format="kilt")
        texts = (passage.text for passage in corpus)
        model, _ = graft(str(encoder), texts, sample=SampleConfig(tokens=TOKENS), progress=False)
        files = sorted(docs.glob("*-test-kilt.jsonl"))
        encode_corpus(Engine(model, "document"), corpus, vectors, progress=False)
        found = [topic for path in files for topic in read_topics(path, "kilt")]
        encode_topics(Engine(model, "query"), found, topics, progress=False)
    return vectors, topics
