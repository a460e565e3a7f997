"""From ``--encoder`` to something that turns query texts into vectors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from hyper_ir.data.vectors import checked_vector
from hyper_ir.files import read_jsonl
from hyper_ir.manifest import Manifest, read_manifest
from hyper_ir.problems import Problems
from hyper_ir.wording import counted


class QueryEncoder(Protocol):
    """Turns query texts into sparse vectors of integer weights."""

    @property
    def manifest(self) -> Manifest | None:
        """What the vectors are made of; None where nobody knows."""

    def encode(self, texts: Sequence[str]) -> list[dict[str, int]]:
        """``{token: weight}`` of each text."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How a model encodes queries; see ``python -m hyper_ir.encode.query``.

    Attributes
    ----------
    device: ``"cpu"``, ``"cuda:0"``, … or ``"auto"``.
    max_length: tokens a text is cut to; None for the model's own.
    top_k: terms of a query kept; None for all.
    quantization_factor: weight = round(model's weight × factor).
    fp16: float16 on a GPU.
    mode: ``"exact"`` or ``"fast"`` (the transformer in bfloat16 where the machine has it).
    """

    device: str = "auto"
    max_length: int | None = None
    top_k: int | None = None
    quantization_factor: float = 100.0
    fp16: bool = False
    mode: Literal["exact", "fast"] = "exact"


def open_encoder(
    name: str, settings: ModelSettings, problems: Problems | None = None
) -> QueryEncoder:
    """A file of cached vectors, whose bad records go to ``problems``, or a model by folder or name.

    Raises ValueError when it is neither, and when the model's vectors are dense.
    """
    if os.path.isfile(name):
        return CachedEncoder(name, problems)
    return ModelEncoder(name, settings)


class CachedEncoder:
    """Vectors by text from JSONL {"contents", "vector"}, as Pyserini's ``--encoder FILE.jsonl``.

    A record without them goes to ``problems``: by default, ValueError with FILE:LINE.
    """

    def __init__(self, path: str | os.PathLike[str], problems: Problems | None = None) -> None:
        problems = problems if problems is not None else Problems()
        self.path = Path(path)
        self.manifest = read_manifest(self.path)
        self._vectors: dict[str, dict[str, int]] = {}
        for where, record in read_jsonl(self.path, problems):
            try:
                if not isinstance(record.get("contents"), str):
                    raise ValueError("no contents, the text whose vector this is")
                vector = checked_vector(record.get("vector"))
            except ValueError as error:
                problems.found(where, str(error))
                continue
            self._vectors[record["contents"].strip()] = vector

    def encode(self, texts: Sequence[str]) -> list[dict[str, int]]:
        """The cached vectors; raises ValueError for a text that is not there."""
        missing = [text for text in texts if text.strip() not in self._vectors]
        if missing:
            raise ValueError(
                f"{self.path}: {len(missing):,} of "
                f"{counted(len(texts), 'text has', 'texts have')} no vector there; the first is "
                f"{missing[0][:80]!r}"
            )
        return [self._vectors[text.strip()] for text in texts]


class ModelEncoder:
    """A retriever's query side, loaded when made.

    Raises ValueError where it cannot be loaded, and, before it is, where there is none or its
    vectors are dense.
    """

    def __init__(self, name: str, settings: ModelSettings) -> None:
        _require_sparse(name)

        from hyper_ir.encode.engine import Engine, EngineConfig
        from hyper_ir.encode.impacts import Quantiser
        from hyper_ir.models.retriever import Retriever

        self._engine: Any = Engine(
            Retriever.from_pretrained(name),
            "query",
            EngineConfig(
                max_length=settings.max_length,
                device=settings.device,
                fp16=settings.fp16,
                mode=settings.mode,
            ),
            Quantiser(settings.quantization_factor, settings.top_k),
        )
        self.manifest: Manifest | None = self._engine.manifest("topics")

    def encode(self, texts: Sequence[str]) -> list[dict[str, int]]:
        """The vectors of the texts, in order."""
        vectors: list[dict[str, int]] = self._engine.encode(list(texts))
        return vectors


def _require_sparse(name: str) -> None:
    """Raise ValueError where no model is called so, or its own files say that it is dense."""
    from hyper_ir.models.checkpoint import find_checkpoint

    if find_checkpoint(name).is_dense:
        raise ValueError(f"encoder: {name} makes dense vectors; an impact index needs sparse")
