"""``python -m benchmarks.query_encoding``: what a prefix costs, one query at a time and in batches.

The same model with query-conditional prompts (the paper's sizes), with one static prefix of as many
positions (prefix-tuning), and without a prefix; all in one process, in turn.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine, reports
from benchmarks.counting import SHAPES, Prompts, Shape
from benchmarks.harness import Turn, interleaved, seconds, speed_ratios
from benchmarks.options import add_shapes, check, minilm, parser, say
from hyper_ir.command import run

NONE, STATIC, CONDITIONAL = "no prefix", "static prefix", "query-conditional"
PRESETS = {NONE: None, STATIC: "prefix-tuning", CONDITIONAL: "paper"}
LENGTHS = (8, 16, 32, 64, 256)
BATCHES = (1, 32)
BURST = 3
"""Calls of a turn, of which the median is taken; one before them warms the caches for its own."""

LONG = 1.0
"""Seconds of a call that needs no burst: caches play no part in it."""

MOST_ROUNDS = 40
"""Of the default; fewer where the seconds allow no more."""


class QueryEncoder:
    """One system; a turn encodes the task's texts."""

    def __init__(self, name: str, engine: Any, whole: bool) -> None:
        self.name = name
        self.engine = engine
        self.whole = whole

    def run(self, **task: Any) -> dict[str, Any]:
        """The median seconds of a burst of calls on ``task["texts"]``."""
        texts = task["texts"]
        first = self._once(texts)
        if first > LONG:
            return {"seconds": first}
        return {"seconds": statistics.median(self._once(texts) for _ in range(BURST))}

    def _once(self, texts: list[str]) -> float:
        if self.whole:
            start = time.perf_counter()
            self.engine.encode(texts)
            return time.perf_counter() - start
        return tower_seconds(self.engine, texts)


def tower_seconds(engine: Any, texts: list[str]) -> float:
    """Of prompts, transformer and head alone."""
    ids = engine.retriever.tokenizer(texts)["input_ids"]
    start = time.perf_counter()
    engine.encoding(ids)
    return time.perf_counter() - start


def encoders(model: Path, arguments: argparse.Namespace) -> list[QueryEncoder]:
    """The three systems, each with its own copy of the model."""
    from hyper_ir.encode.engine import Engine, EngineConfig
    from hyper_ir.models.prompt_config import PromptConfig
    from hyper_ir.models.prompt_initialisation import new_prompts
    from hyper_ir.models.retriever import Retriever

    found = []
    for name, preset in PRESETS.items():
        retriever = Retriever.from_pretrained(model)
        if preset is not None:
            config = PromptConfig.preset(preset, length=arguments.positions, initialisation="words")
            backbone = retriever.query.backbone
            retriever = retriever.with_prompts(new_prompts(config, backbone))
        settings = EngineConfig(max_length=max(arguments.lengths), device="cpu")
        engine = Engine(retriever, "query", settings)
        found.append(QueryEncoder(name, engine, not arguments.tower))
    return found


def measure(
    systems: Sequence[QueryEncoder], texts: list[str], budget: float, most: int
) -> dict[str, Any]:
    """The seconds of every round of each system: 3 to ``most`` rounds, in ``budget`` seconds."""
    turns = [Turn(system, {"texts": texts}) for system in systems]
    interleaved(turns, 1)
    start = time.perf_counter()
    interleaved(turns, 1)
    rounds = min(most, max(3, round(budget / (time.perf_counter() - start))))
    answers = interleaved(turns, rounds)
    return {name: [answer["seconds"] for answer in runs] for name, runs in answers.items()}


def row(cell: dict[str, Any]) -> list[str]:
    """A line of the table."""
    runs = {name: [{"seconds": each} for each in times] for name, times in cell["seconds"].items()}
    none, static, own = runs[NONE], runs[STATIC], runs[CONDITIONAL]
    times = [f"{seconds(each).median * 1000:.2f}" for each in (none, static, own)]
    ratios = [speed_ratios(none, own), speed_ratios(none, static), speed_ratios(static, own)]
    shape = f"{cell['model']}, {cell['length']} tokens, batch {cell['batch']}"
    shown = [ratio.shown() for ratio in ratios]
    return [shape, *times, *shown, f"{cell['counted']:.2f}", str(len(own))]


def measured(arguments: argparse.Namespace, shape: Shape, calibration: list[str]) -> list[Any]:
    """Every length and batch of one model."""
    from benchmarks.checkpoints import make_checkpoint
    from benchmarks.texts import exact_lengths

    with tempfile.TemporaryDirectory() as folder:
        make_checkpoint(shape, Path(folder), minilm(arguments), calibration)
        systems = encoders(Path(folder), arguments)
    words = systems[0].engine.retriever.tokenizer
    cells = []
    for length in arguments.lengths:
        for batch in arguments.batches:
            texts = exact_lengths(words, batch, length)
            terms = {each.name: terms_of(each.engine, texts) for each in systems}
            times = measure(systems, texts, arguments.seconds, arguments.rounds)
            more = Prompts(positions=arguments.positions).operations(shape, length)
            plain = shape.transformer_operations([length]) + shape.head_operations([length])
            cell: dict[str, Any] = {"model": shape.name, "length": length, "batch": batch}
            cell["counted"] = 1 + more / plain
            cells.append({**cell, "terms": terms, "seconds": times})
            say(" | ".join(row(cells[-1])))
    return cells


def main(argv: Sequence[str] | None = None) -> None:
    """Measure every length and batch, write the results, and print the table."""
    made = parser("query_encoding", __doc__ or "", rounds=MOST_ROUNDS)
    add_shapes(made, ["minilm", "bert-base"])
    made.add_argument("--positions", type=int, default=100, help="m, of the prefix")
    made.add_argument("--lengths", type=int, nargs="+", default=[*LENGTHS], help="in tokens")
    made.add_argument("--batches", type=int, nargs="+", default=[*BATCHES], help="queries at once")
    made.add_argument("--seconds", type=float, default=15, help="for each length and batch")
    made.add_argument("--tower", action="store_true", help="without tokenising and sparsifying")
    arguments = made.parse_args(argv)
    check(arguments)
    if not all(3 <= length <= 512 for length in arguments.lengths) or min(arguments.batches) < 1:
        raise ValueError("lengths are of 3 to 512 tokens, batches of 1 query and more")

    import torch

    from benchmarks.texts import some_texts

    torch.set_num_threads(arguments.threads)
    about = machine.described(arguments.threads)
    calibration = some_texts(16)
    cells = [
        cell for name in arguments.shapes for cell in measured(arguments, SHAPES[name], calibration)
    ]
    header = ["model, length, batch", *(f"{name}, ms" for name in PRESETS)]
    header += ["conditional / none", "static / none", "conditional / static", "by count", "rounds"]
    table = reports.table(header, [row(cell) for cell in cells])
    settings = {"positions": arguments.positions, "tower": arguments.tower}
    results = {"machine": about, "settings": settings, "cells": cells}
    name = "query_encoding" + ("_tower" if arguments.tower else "")
    print(reports.write(arguments.output, name, results, [table, machine.in_words(about)]))


def terms_of(engine: Any, texts: list[str]) -> float:
    """Mean number of terms: sparsifying costs the same where it is the same."""
    return statistics.mean(len(vector) for vector in engine.encode(texts))


if __name__ == "__main__":
    run(main)
