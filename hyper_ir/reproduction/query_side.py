"""A query encoder of the grid, a cell's or a backbone's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from hyper_ir.data.records import Topic
from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.prompt_attention import prompt_attention
from hyper_ir.models.retriever import Retriever
from hyper_ir.reproduction.searchers import Kind
from hyper_ir.search.query_checks import within_limit


class QuerySide:
    """Queries as a model has them.

    Parameters
    ----------
    length: tokens that a query is cut to; None for the model's own.
    """

    def __init__(self, retriever: Retriever, length: int | None, device: str) -> None:
        self.retriever = retriever
        config = EngineConfig(max_length=length, device=device)
        self.engine = Engine(retriever, "query", config)

    def kind(self, engine: Literal["exact", "lucene"]) -> Kind:
        """What searches their vectors, where the grid asks for this engine."""
        if not self.engine.sparse:
            return "dense"
        return "vectors" if engine == "exact" else "impact"

    def encode(self, topics: Sequence[Topic]) -> list[tuple[str, Any]]:
        """Each topic's id and vector."""
        vectors = self.engine.encode([topic.text for topic in topics])
        pairs: list[Any] = list(zip((topic.id for topic in topics), vectors, strict=True))
        return list(within_limit(pairs)) if self.engine.sparse else pairs

    def attention(self, topics: Sequence[Topic]) -> np.ndarray[Any, Any] | None:
        """Each topic's prompt attention, (topics, N) float32; None without such prompts."""
        prompts = self.retriever.query.prompts
        if prompts is None or not prompts.config.query_conditional:
            return None
        texts = [topic.text for topic in topics]
        return prompt_attention(self.retriever, texts, self.engine.max_length)
