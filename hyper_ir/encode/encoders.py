"""Pyserini's encoder interface over a retriever: hand these to ``LuceneImpactSearcher``.

Importing this module starts the JVM, since Pyserini does. Where there is no Java the encoders
stand on plain objects instead, and work with everything that needs none.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from hyper_ir.encode.engine import Engine, EngineConfig, Text, Vector, join_fields
from hyper_ir.encode.explanation import Explanation, explain
from hyper_ir.encode.impacts import Quantiser
from hyper_ir.encode.precision import Mode
from hyper_ir.lucene import pyserini_api
from hyper_ir.manifest import Manifest
from hyper_ir.models.retriever import Retriever

if TYPE_CHECKING:

    class _DocumentEncoder: ...

    class _QueryEncoder: ...

else:
    try:
        _DocumentEncoder, _QueryEncoder = pyserini_api.encoder_bases()
    except ValueError:
        _DocumentEncoder = _QueryEncoder = object


class HyperDocumentEncoder(_DocumentEncoder):
    """Documents to impacts (lexical models) or to rows of an array (dense models).

    Parameters
    ----------
    model: a folder or hub name for :meth:`Retriever.from_pretrained`, or a Retriever.
    device: ``"cpu"``, ``"cuda:0"``, … or ``"auto"``.
    quantization_factor, top_k: see :class:`~hyper_ir.encode.impacts.Quantiser`.
    mode: see :data:`~hyper_ir.encode.precision.Mode`.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Retriever,
        device: str = "auto",
        quantization_factor: float = 100.0,
        top_k: int | None = None,
        batch_size: int = 64,
        max_length: int | None = None,
        fp16: bool = False,
        mode: Mode = "exact",
    ) -> None:
        settings = EngineConfig(batch_size, max_length, device, fp16, mode)
        self.engine = _engine(model, "document", settings, Quantiser(quantization_factor, top_k))

    def encode(
        self,
        texts: list[str],
        titles: list[str] | None = None,
        max_length: int | None = None,
        add_sep: bool = False,
        **_: Any,
    ) -> list[Vector] | np.ndarray:
        """Encode texts, each after its title where titles are given.

        Returns a list of ``{token: impact}``, or for a dense model an array (texts, width) of
        float32. ``add_sep`` puts the tokenizer's separator between title and text.
        """
        fields = [texts] if titles is None else [titles, texts]
        joined = [join_fields(values, add_sep) for values in zip(*fields, strict=True)]
        vectors = _encode(self.engine, joined, max_length)
        return vectors if self.engine.sparse else np.asarray(vectors, np.float32)


class HyperQueryEncoder(_QueryEncoder):
    """Queries to impacts (lexical models) or to a vector (dense models).

    Parameters
    ----------
    model: a folder or hub name for :meth:`Retriever.from_pretrained`, or a Retriever.
    top_k: how many terms of a query are kept; Lucene as Pyserini starts it refuses more than
        1,024 (``hyper_ir.search`` lifts that).
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Retriever,
        device: str = "auto",
        quantization_factor: float = 100.0,
        top_k: int | None = None,
        batch_size: int = 64,
        max_length: int | None = None,
        fp16: bool = False,
        mode: Mode = "exact",
    ) -> None:
        super().__init__()
        self.has_model = True
        self.has_encoded_query = False
        settings = EngineConfig(batch_size, max_length, device, fp16, mode)
        self.engine = _engine(model, "query", settings, Quantiser(quantization_factor, top_k))

    def encode(self, query: str, max_length: int | None = None, **_: Any) -> Vector:
        """One query to ``{token: impact}``, or to an array (width,) of float32."""
        return _encode(self.engine, [query], max_length)[0]

    def encode_batch(self, queries: list[str]) -> list[Vector]:
        """Queries to vectors, in order."""
        return self.engine.encode(queries)

    def explain(self, query: str) -> Explanation:
        """The query's terms with their weights, and the prompts that it attends to.

        Raises ValueError for a dense model without prompts.
        """
        return explain(self.engine, query)

    def manifest(self) -> Manifest:
        """What these queries are made of, to be held against an index's manifest."""
        return self.engine.manifest("topics")


def _engine(
    model: str | os.PathLike[str] | Retriever,
    side: str,
    settings: EngineConfig,
    quantiser: Quantiser,
) -> Engine:
    retriever = model if isinstance(model, Retriever) else Retriever.from_pretrained(model)
    return Engine(retriever, side, settings, quantiser)


def _encode(engine: Engine, texts: list[Text], max_length: int | None) -> list[Vector]:
    own, engine.max_length = engine.max_length, max_length or engine.max_length
    try:
        return engine.encode(texts)
    finally:
        engine.max_length = own
