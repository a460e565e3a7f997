"""A grid that is worked off in seconds: tiny random models, thirty passages, two tasks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hyper_ir.reproduction.grid import FewShotConfig, Grid, GridData, SideConfig, SweepConfig
from hyper_ir.reproduction.reproduction import Reproduction
from tests import tiny_models
from tests.training.small_run import PAGES, WORDS, write_corpus, write_queries

TASKS = ["long", "short"]

RECIPE = """
model: none
output: none
data: {examples: [none], corpus: none}
freeze: document
prompts: {preset: paper, prompts: 4, length: 3, query_hidden: 8, prefix_hidden: 5}
batch: {size: 4, negatives: 2, query_length: 24}
optimiser: {max_steps: 4, backbone_rate: 1.0e-3, prompt_rate: 1.0e-2}
validation: {every: 2}
log: {every: 2, save_every: 1}
"""


def write_jsonl(path: Path, records: Iterable[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def query(number: int) -> str:
    return " ".join(WORDS[(number + i) % len(WORDS)] for i in range(3))


def write_tasks(folder: Path, split: str, count: int = 6) -> str:
    """KILT files of both tasks; returns their pattern."""
    for start, task in enumerate(TASKS):
        records = [
            {
                "id": f"{task}{number}",
                "input": query(number + start),
                "output": [{"provenance": [{"wikipedia_id": f"p{(number + start) % PAGES}"}]}],
            }
            for number in range(count)
        ]
        write_jsonl(folder / f"{task}-{split}-kilt.jsonl", records)
    return str(folder / f"{{task}}-{split}-kilt.jsonl")


def write_beir(folder: Path) -> str:
    """A zero-shot collection whose queries are documents, too."""
    documents = [
        {"_id": f"d{number}", "title": WORDS[number], "text": query(number)}
        for number in range(len(WORDS))
    ]
    write_jsonl(folder / "corpus.jsonl", documents)
    queries = [{"_id": f"d{number}", "text": query(number)} for number in range(5)]
    write_jsonl(folder / "queries.jsonl", queries)
    (folder / "qrels").mkdir()
    lines = [f"d{number}\td{number + 1}\t1\n" for number in range(5)]
    header = "query-id\tcorpus-id\tscore\n"
    (folder / "qrels" / "test.tsv").write_text(header + "".join(lines), encoding="utf-8")
    return str(folder)


def write_grid(folder: Path, **changes: Any) -> Grid:
    """The grid, with all that it reads; SPLADE alone, trained from ready examples, no Java."""
    inputs = folder / "inputs"
    if not inputs.exists():
        inputs.mkdir(parents=True)
        tiny_models.save_checkpoint(inputs / "lexical")
        tiny_models.save_checkpoint(inputs / "dense", masked_lm=False)
        write_corpus(inputs)
        write_queries(inputs, "train")
        for split in ("train", "dev"):
            write_tasks(inputs, split)
        write_beir(inputs / "beir")
        (inputs / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
        dense = RECIPE.replace("model: none", "model: none\nhead: dense\ndense_pooling: mean")
        (inputs / "dense.yaml").write_text(dense, encoding="utf-8")
    data = GridData(
        corpus=str(inputs / "corpus.jsonl"),
        tasks=list(TASKS),
        train=str(inputs / "{task}-train-kilt.jsonl"),
        dev=str(inputs / "{task}-dev-kilt.jsonl"),
        examples=[str(inputs / "train.jsonl")],
        document_length=32,
        zero_shot={"beir": str(inputs / "beir")},
        without_query=["beir"],
    )
    grid = Grid(
        output=str(folder / "grid"),
        data=data,
        splade=SideConfig(str(inputs / "lexical"), str(inputs / "recipe.yaml")),
        parts=["main"],
        seeds=[1],
        few_shot=FewShotConfig([2], steps=2),
        sweep=SweepConfig([2, 4], [0.1], [3], ["kmeans"]),
        device="cpu",
    )
    return replace(grid, **changes)


def dense_side(folder: Path) -> SideConfig:
    """The DPR side of the same grid."""
    inputs = folder / "inputs"
    return SideConfig(str(inputs / "dense"), str(inputs / "dense.yaml"))


def worked_off(grid: Grid, *only: str) -> Reproduction:
    """The grid after all its cells were done, none of them failed."""
    work = Reproduction(grid, only)
    work.check()
    outcome = work.run()
    assert outcome.failed == {}
    assert outcome.elsewhere == []
    return work


def yaml_of(grid: Grid, path: Path) -> Path:
    """The grid as a file (JSON is YAML)."""
    from dataclasses import asdict

    path.write_text(json.dumps(asdict(grid)), encoding="utf-8")
    return path
