"""A collection's vectors as a grid makes them, and the same as arrays on disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from hyper_ir.data.corpus import Corpus
from hyper_ir.encode.documents import OutputConfig, encode_corpus
from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.tokens import lucene_tokens
from hyper_ir.models.retriever import Retriever
from hyper_ir.reproduction.grid import Grid
from hyper_ir.training.document_sources import factor_of
from hyper_ir.training.document_store import DocumentStore


def encode_collection(
    retriever: Retriever, corpus: Corpus, folder: Path, grid: Grid, length: int | None = None
) -> None:
    """Encode a collection by a document encoder; what an interrupted run left is gone on with.

    ``length``: tokens that documents are cut to; None for the model's own.
    """
    config = EngineConfig(max_length=length, device=grid.device)
    engine = Engine(retriever, "document", config)
    encode_corpus(engine, corpus, folder, OutputConfig(resume=True))


def build_store(retriever: Retriever, vectors: Path, folder: Path) -> None:
    """Vectors as arrays on disk."""
    sparse = bool(retriever.vocabulary)
    names = lucene_tokens(retriever.vocabulary) if sparse else None
    width = retriever.document.head.width
    if folder.exists():
        shutil.rmtree(folder)
    DocumentStore.build(folder, vectors, width, names, factor_of(vectors))
