"""The quickstart's training: examples from BM25, then query encoders over the vectors there are."""

from __future__ import annotations

from collections.abc import Sequence

from hyper_ir.data.python_docs.writing import task_file
from hyper_ir.quickstart.settings import Settings
from hyper_ir.quickstart.steps import AGAIN, Step

MULTITASK = "multitask"
HYPER = "HypeR"

TRAINED = {
    MULTITASK: ("train one query encoder on all kinds of topics", ("--prompts", "null")),
    HYPER: ("train one with prompts synthesised for each query", ()),
}
"""Each trained system: what it is, and in what it departs from the recipe."""

DEPTH = 50
"""Passages of BM25 that hard negatives are chosen from."""


def mine_step(settings: Settings, tasks: Sequence[str], split: str) -> Step:
    """Positives and hard negatives of one split's topics."""
    output = examples_file(settings, split)
    return Step(
        f"mine-{split}",
        f"mine hard negatives for the {split} topics with BM25, without leaks",
        "hyper_ir.mine",
        (
            "--tasks",
            *(f"{task}={settings.docs / task_file(task, split)}" for task in tasks),
            *("--corpus", str(settings.pages), "--format", "kilt"),
            *("--index", str(settings.output / "indexes" / "bm25")),
            *("--output", output, "--depth", str(DEPTH), "--threads", str(settings.threads)),
            AGAIN,
        ),
        (settings.output / f"examples.{split}.jsonl",),
        quiet=split != "train",
    )


def train_step(settings: Settings, system: str, model: str, vectors: str) -> Step:
    """A query encoder of its own over documents that stay as they are.

    Parameters
    ----------
    model: what it starts from, and what the documents were encoded with.
    vectors: folder of the documents' vectors.
    """
    purpose, changes = TRAINED[system]
    output = settings.output / "training" / system
    return Step(
        f"train-{system}",
        purpose,
        "hyper_ir.train",
        (
            *("--config", "quickstart", "--model", model, "--output", str(output)),
            *("--data.examples", examples_file(settings, "train")),
            *("--validation.examples", examples_file(settings, "dev")),
            *("--data.vectors", vectors, "--optimiser.max_steps", str(settings.steps)),
            *("--seed", str(settings.seed), *changes, AGAIN),
        ),
        (output / "model",),
        resume="--resume",
    )


def examples_file(settings: Settings, split: str) -> str:
    """Where a split's training examples are."""
    return str(settings.output / f"examples.{split}.jsonl")
