"""Memory and steps per second of training: ours, the naive head, sentence-transformers' trainer.

``make bench-training`` runs it. Every variant trains the same backbone on the same texts, with the
same batch, lengths and losses (in-batch and hard negatives, FLOPS on both sides), in a process of
its own, several times in turn; the medians of its steps and its peak memory above that of the
loaded model are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

REFERENCE = "sentence-transformers"
VARIANTS = ("ours", "ours, GradCache", "ours, cached documents", "naive head", REFERENCE)
CHUNK = 1024
"""Tokens that GradCache keeps the activations of."""
QUERIES, NEGATIVES, STEPS, WARM = 4, 3, 3, 1


def memory() -> float:
    """Peak resident memory of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def make_data(folder: Path, encoder: str, length: int) -> None:
    """A masked-LM checkpoint on the encoder's weights, and texts of exactly ``length`` tokens."""
    from transformers import AutoTokenizer, BertForMaskedLM

    from hyper_ir.data.examples import TrainingExample, write_examples

    torch.manual_seed(0)
    words = AutoTokenizer.from_pretrained(encoder)
    BertForMaskedLM.from_pretrained(encoder).save_pretrained(folder / "model")
    words.save_pretrained(folder / "model")
    vocabulary = [word for word in words.get_vocab() if word.isalpha() and word.isascii()]

    def text() -> str:
        return " ".join(
            vocabulary[int(place)] for place in torch.randint(len(vocabulary), (length - 2,))
        )

    total = QUERIES * (STEPS + WARM)
    documents = {f"d{number}#0": text() for number in range(total * (1 + NEGATIVES))}
    with open(folder / "corpus.jsonl", "w", encoding="utf-8") as handle:
        for id, contents in documents.items():
            handle.write(json.dumps({"id": id, "contents": contents}) + "\n")
    ids = list(documents)
    examples = []
    for number in range(total):
        own = ids[number * (1 + NEGATIVES) : (number + 1) * (1 + NEGATIVES)]
        examples.append(TrainingExample(f"q{number}", text(), "task", (own[0],), tuple(own[1:])))
    write_examples(folder / "examples.jsonl", examples)


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
    from hyper_ir.training.objectives import ObjectiveConfig
    from hyper_ir.training.recipe import (
        BatchConfig,
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


def measured(variant: str, folder: Path, length: int) -> None:
    """Run a variant in this process and print what it took."""
    if variant == REFERENCE:
        clock = sentence_transformers(folder, length)
    else:
        clock = ours(folder, length, variant)
    print(
        json.dumps({"seconds": clock.seconds[WARM:], "base": clock.base, "peak": memory()}),
        flush=True,
    )


def encode_documents(folder: Path, length: int) -> None:
    """The cached documents, as a user would make them."""
    from hyper_ir.encode.__main__ import main

    words = ["input", "--corpus", str(folder / "corpus.jsonl")]
    words += ["output", "--embeddings", str(folder / "vectors")]
    words += ["encoder", "--encoder", str(folder / "model"), "--top-k", "256"]
    main([*words, "--max-length", str(length)])


def compare(encoder: str, length: int, rounds: int, variants: Sequence[str]) -> dict[str, Any]:
    """The variants in turn, each in processes of its own."""
    found: dict[str, list[dict[str, Any]]] = {variant: [] for variant in variants}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_data(folder, encoder, length)
        encode_documents(folder, length)
        for _ in range(rounds):
            for variant in variants:
                words = [sys.executable, "-m", "tests.benchmarks.training_cost", "--length"]
                words += [str(length), "--variant", variant, "--folder", name]
                done = subprocess.run(words, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise RuntimeError(done.stderr[-2000:])
                found[variant].append(json.loads(done.stdout.splitlines()[-1]))
    return {
        variant: {
            "step_seconds": statistics.median(s for run in runs for s in run["seconds"]),
            "memory_mib": statistics.median(run["peak"] - run["base"] for run in runs),
        }
        for variant, runs in found.items()
    }


def main() -> None:
    """Compare, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--encoder", help="a BERT encoder's folder; default: all-MiniLM-L6-v2")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--variant")
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.variant:
        measured(arguments.variant, arguments.folder, arguments.length)
        return
    from hyper_ir.quickstart.backbone import installed_minilm

    encoder = arguments.encoder or str(installed_minilm())
    variants = list(dict.fromkeys([*arguments.only, REFERENCE]))
    results = compare(encoder, arguments.length, arguments.rounds, variants)
    reference = results[REFERENCE]
    print(f"{QUERIES} queries x {1 + NEGATIVES} documents of {arguments.length} tokens\n")
    print(f"{'':26}{'s/step':>9}{'MiB':>9}{'speed / s-t':>13}{'memory / s-t':>14}")
    for variant, values in results.items():
        seconds, size = values["step_seconds"], values["memory_mib"]
        print(
            f"{variant:26}{seconds:9.2f}{size:9.0f}"
            f"{reference['step_seconds'] / seconds:12.2f}x{size / reference['memory_mib']:14.3f}"
        )


if __name__ == "__main__":
    main()
