"""Encoding's contenders: a corpus file to Anserini's JSON lines, in the form their users run it.

Each is what its command line does after loading: read the file, encode, write
``embeddings.jsonl``. sentence-transformers has no such command; its vectors are written from its
sparse tensor without a loop over components.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.worker import Work

if TYPE_CHECKING:
    from hyper_ir.encode.precision import Mode

FACTOR = 51.2
"""Pyserini's quantisation: the others can be told theirs, it cannot."""


def timed(encode: Callable[[str, Path], None], device: str) -> Work:
    """A worker's function: encode the task's corpus into its output folder."""

    def work(task: dict[str, Any]) -> dict[str, Any]:
        start = time.perf_counter()
        encode(task["corpus"], Path(task["output"]))
        _synchronise(device)
        return {"seconds": time.perf_counter() - start}

    return work


def pyserini(model: str, max_length: int, device: str, batch_size: int = 64) -> Work:
    """``python -m pyserini.encode … --encoder-class splade`` with its own batch size."""
    from hyper_ir.lucene import pyserini_api

    module = pyserini_api.import_module("pyserini.encode")
    encoder = pyserini_api.import_module("pyserini.encode._splade").SpladeDocumentEncoder(
        model, device=device
    )

    def encode(corpus: str, output: Path) -> None:
        batches = module.JsonlCollectionIterator(corpus, ["text"], None, "\n")
        writer = module.JsonlRepresentationWriter(str(output))
        with writer:
            for batch in batches(batch_size, 0, 1):
                batch["vector"] = encoder.encode(
                    texts=batch["text"], fp16=False, max_length=max_length, add_sep=False
                )
                writer.write(batch, ["text"])

    return timed(encode, device)


def sentence_transformers(model: str, max_length: int, device: str, batch_size: int = 32) -> Work:
    """``SparseEncoder.encode`` with its own batch size and its own sorting by length."""
    from sentence_transformers import SparseEncoder

    encoder = SparseEncoder(model, device=device)
    encoder.max_seq_length = max_length
    tokens = encoder.tokenizer.convert_ids_to_tokens(list(range(len(encoder.tokenizer))))

    def encode(corpus: str, output: Path) -> None:
        with open(corpus, encoding="utf-8") as handle:
            records = [json.loads(line) for line in handle]
        texts = [record["contents"] for record in records]
        sparse = encoder.encode(texts, batch_size=batch_size).coalesce().cpu()
        rows, columns = sparse.indices().numpy()
        impacts = np.rint(sparse.values().numpy() * FACTOR).astype(np.int64)
        ends = np.searchsorted(rows, np.arange(len(texts)), side="right").tolist()
        output.mkdir(parents=True, exist_ok=True)
        with open(output / "embeddings.jsonl", "w", encoding="utf-8") as handle:
            start = 0
            for record, end in zip(records, ends, strict=True):
                pairs = zip(columns[start:end].tolist(), impacts[start:end].tolist(), strict=True)
                vector = {tokens[column]: impact for column, impact in pairs if impact}
                handle.write(json.dumps({**record, "vector": vector}, ensure_ascii=False) + "\n")
                start = end

    return timed(encode, device)


def hyper_ir(model: str, max_length: int, device: str, mode: Mode, batch_size: int = 64) -> Work:
    """``python -m hyper_ir.encode --mode``, with its own batch size.

    A task with ``parts`` tells where the time went too; see :class:`Parts`.
    """
    from hyper_ir.data.corpus import open_corpus
    from hyper_ir.encode.crews import CrewConfig
    from hyper_ir.encode.documents import OutputConfig, encode_corpus
    from hyper_ir.encode.engine import Engine, EngineConfig
    from hyper_ir.encode.impacts import Quantiser
    from hyper_ir.encode.precision import type_name
    from hyper_ir.models.retriever import Retriever

    config = EngineConfig(batch_size, max_length, device, mode=mode)
    engine = Engine(Retriever.from_pretrained(model), "document", config, Quantiser(FACTOR))
    parts: Parts | None = None

    crew = CrewConfig()

    def encode(corpus: str, output: Path) -> None:
        config = OutputConfig(overwrite=True)
        encode_corpus(engine, open_corpus(corpus), output, config, progress=False, crew=crew)

    whole = timed(encode, device)

    def work(task: dict[str, Any]) -> dict[str, Any]:
        nonlocal parts, crew
        if not task.get("parts"):
            return whole(task)
        if parts is None:
            parts = Parts(engine, device)
            crew = CrewConfig(workers=1)  # another process's parts would not be seen
        parts.seconds.clear()
        answer = whole(task)
        return {**answer, "parts": dict(parts.seconds), "type": type_name(engine.kind)}

    return work


class Parts:
    """Seconds inside the tokenizer, the transformer and the head, from now on.

    On a GPU each part waits for the device, which costs some speed: it is measured apart. On a CPU
    batches go one to a core, so that as many transformers and heads are timed at once: their
    seconds are shared out among the cores.
    """

    def __init__(self, engine: Any, device: str) -> None:
        import torch

        from hyper_ir.encode import engine as module

        self.seconds: dict[str, float] = {}
        self._device = device
        self._cores = torch.get_num_threads() if device == "cpu" else 1
        self._wrap(module, "tokenised", "tokenising")
        self._wrap(engine.tower.backbone, "forward", "transformer")
        self._wrap(engine.tower.backbone, "packed", "transformer")
        self._wrap(engine.tower.head, "forward", "head")

    def _wrap(self, owner: Any, name: str, part: str) -> None:
        inner = getattr(owner, name)

        def outer(*arguments: Any, **named: Any) -> Any:
            _synchronise(self._device)
            start = time.perf_counter()
            result = inner(*arguments, **named)
            _synchronise(self._device)
            together = 1 if part == "tokenising" else self._cores
            passed = (time.perf_counter() - start) / together
            self.seconds[part] = self.seconds.get(part, 0.0) + passed
            return result

        setattr(owner, name, outer)


def _synchronise(device: str) -> None:
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize()
