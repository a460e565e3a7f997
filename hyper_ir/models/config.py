"""A retriever's settings: what ``retriever.json`` holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hyper_ir.models.heads import DensePooling, LexicalActivation, LexicalPooling

FORMAT = 1

HeadKind = Literal["lexical", "dense"]


@dataclass(frozen=True)
class RetrieverConfig:
    """How a retriever makes vectors.

    Attributes
    ----------
    head: ``"lexical"`` (one weight a vocabulary token) or ``"dense"`` (one short vector).
    shared: whether queries and documents go through one and the same tower.
    lexical_pooling, activation: see :class:`~hyper_ir.models.heads.LexicalHead`.
    dense_pooling, normalise: see :class:`~hyper_ir.models.heads.DenseHead`.
    query_max_length, document_max_length: texts are cut after so many tokens, special tokens
        counted.
    prompts: whether the query tower has prompts (then ``shared`` means that both towers have one
        backbone and one head).
    name: the checkpoint it came from.
    """

    head: HeadKind = "lexical"
    shared: bool = True
    lexical_pooling: LexicalPooling = "max"
    activation: LexicalActivation = "relu"
    dense_pooling: DensePooling = "cls"
    normalise: bool = False
    query_max_length: int = 256
    document_max_length: int = 256
    prompts: bool = False
    name: str = ""
    format: int = FORMAT
