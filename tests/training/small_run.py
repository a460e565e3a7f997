"""A recipe that trains in a second: a tiny random model, thirty passages, two tasks."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hyper_ir.data.examples import TrainingExample, write_examples
from hyper_ir.training.batch_config import BatchConfig
from hyper_ir.training.recipe import (
    DataConfig,
    LogConfig,
    OptimiserConfig,
    PromptSettings,
    Recipe,
    ValidationConfig,
)
from tests import tiny_models

WORDS = [
    "sparse",
    "vectors",
    "prefix",
    "query",
    "prompts",
    "boundary",
    "layer",
    "zebras",
    "graze",
    "influenza",
    "numbers",
]

PAGES = 15


def write_corpus(folder: Path) -> Path:
    """Two passages a page, each of other words."""
    path = folder / "corpus.jsonl"
    with open(path, "w", encoding="utf-8") as handle:
        for page in range(PAGES):
            for number in range(2):
                text = " ".join(WORDS[(page * 3 + number + i * i) % len(WORDS)] for i in range(6))
                record = {"id": f"p{page}#{number}", "contents": f"{text} {page}"}
                handle.write(json.dumps(record) + "\n")
    return path


def write_queries(folder: Path, name: str, count: int = 12) -> Path:
    """Queries of two tasks, ``long`` and ``short``, over the corpus."""
    path = folder / f"{name}.jsonl"
    examples = []
    for number in range(count):
        page = number % PAGES
        others = [f"p{(page + step) % PAGES}#{step % 2}" for step in range(1, 6)]
        examples.append(
            TrainingExample(
                id=f"{name}{number}",
                query=" ".join(WORDS[(number + i) % len(WORDS)] for i in range(2 + number % 4 * 2)),
                task="long" if number % 3 else "short",
                positive_ids=(f"p{page}#0", f"p{page}#1"),
                negative_ids=tuple(others),
            )
        )
    write_examples(path, examples)
    return path


def without_dropout(model: Path) -> None:
    """Ranks draw dropout apart: what is compared with one rank must have none."""
    path = model / "config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    path.write_text(json.dumps(settings), encoding="utf-8")


def yaml_of(recipe: Recipe, path: Path) -> Path:
    """The recipe as a file (JSON is YAML)."""
    path.write_text(json.dumps(asdict(recipe)), encoding="utf-8")
    return path


def journal(recipe: Recipe) -> list[dict[str, float]]:
    """What was logged."""
    lines = (Path(recipe.output) / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def recipe(folder: Path, **changes: Any) -> Recipe:
    """Six steps with prompts, documents trained, validated every third step."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "start"
    if not model.exists():
        tiny_models.save_checkpoint(model)
    made = Recipe(
        model=str(model),
        output=str(folder / "run"),
        data=DataConfig(
            examples=[str(write_queries(folder, "train"))], corpus=str(write_corpus(folder))
        ),
        prompts=PromptSettings(prompts=4, length=3, query_hidden=8, prefix_hidden=5),
        batch=BatchConfig(size=4, negatives=2),
        optimiser=OptimiserConfig(max_steps=6, backbone_rate=1e-3, prompt_rate=1e-2),
        validation=ValidationConfig(examples=[str(write_queries(folder, "dev", 6))], every=3),
        log=LogConfig(every=2),
        device="cpu",
    )
    return replace(made, **changes)
