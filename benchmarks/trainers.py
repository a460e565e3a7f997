"""The variants of training that ``benchmarks.training_step`` compares, each as its users run it."""

from __future__ import annotations

import json
import os
import resource
import time
from pathlib import Path
from typing import Any

import torch

CHUNK = 1024
"""Tokens that GradCache keeps the activations of."""
QUERIES, NEGATIVES, STEPS, WARM = 4, 3, 3, 1


def memory() -> float:
    """Peak resident memory of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Clock:
    """Notes how long steps take, and the memory before the first."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.base = 0.0
        self._start = 0.0

    def callback(self) -> Any:
        """For transformers' Trainer."""
        from transformers import TrainerCallback

        clock = self

        class Steps(TrainerCallback):  # type: ignore[misc]
            def on_train_begin(self, *_: Any, **__: Any) -> None:
                clock.base = memory()

            def on_step_begin(self, *_: Any, **__: Any) -> None:
                clock._start = time.perf_counter()

            def on_step_end(self, *_: Any, **__: Any) -> None:
                clock.seconds.append(time.perf_counter() - clock._start)

        return Steps()


def ours(folder: Path, length: int, variant: str) -> Clock:
    """This package's trainer; the naive head materialises all logits."""
    from hyper_ir.models import heads
    from hyper_ir.training import run as run_module
    from hyper_ir.training.batch_config import BatchConfig
    from hyper_ir.training.objectives import ObjectiveConfig
    from hyper_ir.training.recipe import (
        DataConfig,
        LogConfig,
        OptimiserConfig,
        Recipe,
        ValidationConfig,
    )
    from hyper_ir.training.trainer import HyperTrainer

    cached, grad_cache = "cached" in variant, "GradCache" in variant
    if "naive" in variant:

        def all_logits(states: Any, mask: Any, weight: Any, bias: Any, _: int = 0) -> Any:
            logits = torch.nn.functional.linear(states, weight, bias)
            return logits.masked_fill(~mask.unsqueeze(-1).bool(), -torch.inf).amax(1)

        setattr(heads, "pooled_logits", all_logits)  # noqa: B010 - not exported by its module
    clock = Clock()

    class Timed(HyperTrainer):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.add_callback(clock.callback())

    setattr(run_module, "HyperTrainer", Timed)  # noqa: B010 - a module's name
    recipe = Recipe(
        model=str(folder / "model"),
        output=str(folder / f"run-{os.getpid()}"),
        data=DataConfig(
            [str(folder / "examples.jsonl")],
            corpus=str(folder / "corpus.jsonl"),
            vectors=str(folder / "vectors") if cached else None,
        ),
        prompts=None,
        freeze="document" if cached else "none",
        objective=ObjectiveConfig(),
        batch=BatchConfig(
            QUERIES,
            NEGATIVES,
            query_length=length,
            document_length=length,
            chunk_tokens=CHUNK if grad_cache else None,
            grad_cache=grad_cache,
        ),
        optimiser=OptimiserConfig(max_steps=STEPS + WARM),
        validation=ValidationConfig(every=1000),
        log=LogConfig(every=1000, save_every=1000),
        device="cpu",
    )
    run_module.train(recipe)
    return clock


def sentence_transformers(folder: Path, length: int) -> Clock:
    """sentence-transformers' sparse trainer, with SpladeLoss."""
    from datasets import Dataset
    from sentence_transformers.sparse_encoder import (
        SparseEncoder,
        SparseEncoderTrainer,
        SparseEncoderTrainingArguments,
    )
    from sentence_transformers.sparse_encoder.losses import (
        SparseMultipleNegativesRankingLoss,
        SpladeLoss,
    )

    from hyper_ir.data.examples import read_examples

    model = SparseEncoder(str(folder / "model"), device="cpu")
    model.max_seq_length = length
    lines = (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    texts = {record["id"]: record["contents"] for record in records}
    rows: dict[str, list[str]] = {"query": [], "positive": []}
    rows |= {f"negative_{number}": [] for number in range(NEGATIVES)}
    for _, example in read_examples(folder / "examples.jsonl"):
        rows["query"].append(example.query)
        rows["positive"].append(texts[example.positive_ids[0]])
        for number, id in enumerate(example.negative_ids):
            rows[f"negative_{number}"].append(texts[id])
    loss = SpladeLoss(
        model,
        SparseMultipleNegativesRankingLoss(model),
        document_regularizer_weight=1e-4,
        query_regularizer_weight=3e-4,
    )
    clock = Clock()
    arguments = SparseEncoderTrainingArguments(
        output_dir=str(folder / f"st-{os.getpid()}"),
        max_steps=STEPS + WARM,
        per_device_train_batch_size=QUERIES,
        learning_rate=2e-5,
        use_cpu=True,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    SparseEncoderTrainer(
        model, arguments, Dataset.from_dict(rows), loss=loss, callbacks=[clock.callback()]
    ).train()
    return clock
