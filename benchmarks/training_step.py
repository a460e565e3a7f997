"""``python -m benchmarks.training_step``: memory and steps a second of training.

Ours, the naive head, and sentence-transformers' sparse trainer. Every variant trains the same
backbone on the same texts, with the same batch, lengths and losses (in-batch and hard negatives,
FLOPS on both sides), in a process of its own, several times in turn; the medians of its steps and
its peak memory above that of the loaded model are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch

from benchmarks import machine, reports
from benchmarks.harness import WorkerError, seconds, speed_ratios
from benchmarks.options import check, minilm, parser, say
from benchmarks.trainers import NEGATIVES, QUERIES, STEPS, WARM, memory, ours, sentence_transformers
from hyper_ir.command import run

REFERENCE = "sentence-transformers"
VARIANTS = ("ours", "ours, GradCache", "ours, cached documents", "naive head", REFERENCE)


def make_data(folder: Path, encoder: str, length: int) -> None:
    """A masked-LM checkpoint on the encoder's weights, and texts of exactly ``length`` tokens."""
    from transformers import AutoTokenizer, BertForMaskedLM

    from hyper_ir.data.examples import TrainingExample, write_examples
    from hyper_ir.models.backbone import quiet_transformers

    torch.manual_seed(0)
    words = AutoTokenizer.from_pretrained(encoder)
    with quiet_transformers():
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
    with redirect_stdout(sys.stderr):
        main([*words, "--max-length", str(length)])


def compare(
    encoder: Path, length: int, rounds: int, threads: int, variants: Sequence[str]
) -> dict[str, Any]:
    """The variants in turn, each in processes of its own; what each of them printed."""
    found: dict[str, list[dict[str, Any]]] = {variant: [] for variant in variants}
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_data(folder, str(encoder), length)
        encode_documents(folder, length)
        for number in range(1, rounds + 1):
            for variant in variants:
                words = [sys.executable, "-m", "benchmarks.training_step", "--length"]
                words += [str(length), "--variant", variant, "--folder", name]
                done = subprocess.run(
                    words, capture_output=True, text=True, check=False, env=environment
                )
                if done.returncode:
                    raise WorkerError(f"{variant}: {done.stderr[-2000:]}")
                found[variant].append(json.loads(done.stdout.splitlines()[-1]))
                seconds = statistics.median(found[variant][-1]["seconds"])
                say(f"round {number} of {rounds}: {variant} {seconds:.2f} s/step")
    return found


def table(found: dict[str, list[dict[str, Any]]]) -> str:
    """Seconds a step and MiB, and both beside sentence-transformers'; a round has one median."""
    steps = {
        variant: [{"seconds": statistics.median(run["seconds"])} for run in runs]
        for variant, runs in found.items()
    }
    memories = {
        variant: statistics.median(run["peak"] - run["base"] for run in runs)
        for variant, runs in found.items()
    }
    rows = [
        [
            variant,
            seconds(runs).shown(),
            f"{memories[variant]:.0f}",
            speed_ratios(runs, steps[REFERENCE]).shown(),
            f"{memories[variant] / memories[REFERENCE]:.3f}",
        ]
        for variant, runs in steps.items()
    ]
    return reports.table(["", "s/step", "MiB", "speed / s-t", "memory / s-t"], rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Compare, write the results, and print the table."""
    made = parser("training_step", __doc__ or "", rounds=2)
    made.add_argument("--length", type=int, default=256, help="tokens of queries and documents")
    made.add_argument(
        "--only", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="variants"
    )
    made.add_argument("--variant", help=argparse.SUPPRESS)
    made.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = made.parse_args(argv)
    if arguments.variant:
        measured(arguments.variant, arguments.folder, arguments.length)
        return
    check(arguments)
    about = machine.described(arguments.threads)
    variants = list(dict.fromkeys([*arguments.only, REFERENCE]))
    found = compare(
        minilm(arguments), arguments.length, arguments.rounds, arguments.threads, variants
    )
    title = f"{QUERIES} queries × {1 + NEGATIVES} documents of {arguments.length} tokens"
    results = {"machine": about, "settings": {"length": arguments.length}, "runs": found}
    parts = [title, table(found), machine.in_words(about)]
    print(reports.write(arguments.output, "training_step", results, parts))


if __name__ == "__main__":
    run(main)
