"""A teacher's vectors of queries on disk, memory-mapped, read by the query's text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.files import atomic_directory
from hyper_ir.models.retriever import Retriever
from hyper_ir.training.array_file import ArrayFile, mapped
from hyper_ir.training.id_table import IdTableWriter
from hyper_ir.training.made_folder import is_made, write_settings
from hyper_ir.training.mapped_store import MappedStore
from hyper_ir.training.token_store import tokenizer_hash

KIND = "query vectors"
VECTORS = "vectors.npy"

WINDOW = 4096
"""Queries encoded at once."""


class QueryVectors(MappedStore):
    """Dense vectors of queries; a text stands for itself, whatever ids it has."""

    kind, record, records = KIND, "query", "queries"

    def _opened(self, folder: Path, made_of: dict[str, Any]) -> bool:
        self._vectors = mapped(folder / VECTORS)
        return len(self._vectors) == len(self)

    @classmethod
    def build(
        cls,
        folder: Path,
        retriever: Retriever,
        texts: Iterable[str],
        device: str = "cpu",
        progress: bool = True,
    ) -> QueryVectors:
        """Encode queries into ``folder``, or open what is there by the same model; atomic.

        What is there may hold more queries. In a run of several processes one of them builds the
        store before the others open it.

        Parameters
        ----------
        retriever: its query encoder is dense.
        texts: may repeat.

        Raises
        ------
        ValueError
            When ``folder`` is something else.
        """
        distinct = list(dict.fromkeys(texts))
        config = retriever.config
        made_of = {
            "model": retriever.weights_hash,
            "pooling": config.dense_pooling,
            "normalise": config.normalise,
            "tokenizer": tokenizer_hash(retriever.tokenizer),
            "max_length": config.query_max_length,
        }
        if is_made(folder, KIND, made_of):
            there = cls(folder)
            if all(text in there for text in distinct):
                return there
        engine = Engine(retriever, "query", EngineConfig(device=device))
        bar = tqdm(total=len(distinct), desc="teacher", unit=" queries", disable=not progress)
        width = retriever.query.head.width
        with bar, atomic_directory(folder, replace=True) as partial:
            with IdTableWriter(partial) as ids, ArrayFile(partial / VECTORS, "<f4", width) as rows:
                for start in range(0, len(distinct), WINDOW):
                    window = distinct[start : start + WINDOW]
                    rows.append(engine.arrays(window))
                    ids.extend(window)
                    bar.update(len(window))
            write_settings(partial, KIND, made_of, {"queries": len(distinct)})
        return cls(folder)

    def dense(self, texts: Sequence[str]) -> Tensor:
        """The queries' vectors, ``(n, width)``, float32; ValueError for an unknown query."""
        return torch.from_numpy(self._vectors[self._ids.places(texts)])
