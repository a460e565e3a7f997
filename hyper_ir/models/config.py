"""A retriever's settings: what ``retriever.json`` holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

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
    name: of the checkpoint it came from, without its place; for people, since hashes decide.
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

    def __post_init__(self) -> None:
        for name, kind in _CHOICES.items():
            value, known = getattr(self, name), get_args(kind)
            if value not in known:
                raise ValueError(f"{name}: {value!r}; known are {', '.join(known)}")
        for name in ("shared", "normalise", "prompts"):
            if type(getattr(self, name)) is not bool:
                raise ValueError(f"{name}: {getattr(self, name)!r} is neither true nor false")
        for name in ("query_max_length", "document_max_length"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name}: {value!r} is not a whole number of 1 or more")
        if not isinstance(self.name, str):
            raise ValueError(f"name: {self.name!r} is not text")


_CHOICES: dict[str, Any] = {
    "head": HeadKind,
    "lexical_pooling": LexicalPooling,
    "activation": LexicalActivation,
    "dense_pooling": DensePooling,
}
