"""A hundred passages encoded by a tiny model, for tests."""

from __future__ import annotations

import json
from pathlib import Path

from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.impacts import Quantiser
from hyper_ir.models.retriever import Retriever

PASSAGES = 100


def engine(model: Path, batch_size: int = 1, **more: float) -> Engine:
    retriever = Retriever.from_pretrained(model)
    quantiser = Quantiser(more.get("factor", 100.0))
    return Engine(retriever, "document", EngineConfig(batch_size, 32, "cpu"), quantiser)


def done(folder: Path) -> int:
    try:
        return int(json.loads(next(folder.glob(".*.progress")).read_text())["done"])
    except (StopIteration, ValueError):
        return 0
