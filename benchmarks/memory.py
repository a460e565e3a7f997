"""``python -m benchmarks.memory``: the most memory that encoding takes, above the loaded model.

Texts of 512 tokens, in batches of several sizes, each contender and size in a process of its own.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine, reports
from benchmarks.counting import SHAPES, Shape
from benchmarks.encoding import contenders
from benchmarks.harness import Contender, Spread, Worker
from benchmarks.options import add_shapes, check, minilm, parser, say
from hyper_ir.command import run

MIB = 2**20


def measured(side: Contender, task: dict[str, Any], threads: int, limit: int) -> float | None:
    """MiB above the loaded model; None where more than ``limit`` bytes would be needed."""
    settings = {"factory": side.factory, "settings": side.settings, "limit": limit}
    watched = Contender(side.name, "benchmarks.peak_memory:watched", settings)
    with Worker(watched, threads) as worker:
        answer = worker.run(**task)
    return float(answer["bytes"]) / MIB if "bytes" in answer else None


def compare(
    shape: Shape, model: Path, corpora: dict[int, Path], arguments: argparse.Namespace
) -> dict[str, Any]:
    """Each contender's MiB by batch size, one number a round."""
    limit = int(arguments.limit_gib * 2**30)
    sides = contenders(model, arguments.length, "cpu", arguments.only)
    found: dict[str, dict[str, list[float | None]]] = {
        side.name: {str(size): [] for size in corpora} for side in sides
    }
    for _ in range(arguments.rounds):
        for size, corpus in corpora.items():
            for side in sides:
                given = Contender(side.name, side.factory, {**side.settings, "batch_size": size})
                task = {"corpus": str(corpus), "output": str(model.parent / side.name)}
                result = measured(given, task, arguments.threads, limit)
                found[side.name][str(size)].append(result)
                say(f"{shape.name}, batch {size}, {side.name}: {in_words([result], limit)} MiB")
    return found


def in_words(results: Sequence[float | None], limit: int) -> str:
    """Median and spread, or more than what was allowed."""
    known = [result for result in results if result is not None]
    if len(known) < len(results):
        return f"over {limit / MIB:.0f}"
    return Spread.of(known).shown(".0f")


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, write the results, and print the table."""
    made = parser("memory", __doc__ or "", rounds=1)
    add_shapes(made, ["minilm"])
    made.add_argument("--length", type=int, default=512, help="tokens of every text")
    made.add_argument("--batches", type=int, nargs="+", default=[8, 32, 128], help="texts at once")
    made.add_argument("--only", nargs="+", default=[], help="contenders by their names")
    spare = round(0.7 * machine.free_memory() / 2**30, 1)
    made.add_argument("--limit-gib", type=float, default=spare, help="more is not tried")
    arguments = made.parse_args(argv)
    check(arguments)
    if not 3 <= arguments.length <= 512 or min(arguments.batches) < 1 or arguments.limit_gib <= 0:
        raise ValueError("length: 3 to 512 tokens; batches and limit: above 0")
    contenders(Path(), arguments.length, "cpu", arguments.only)  # known names only

    from transformers import AutoTokenizer

    from benchmarks.checkpoints import make_checkpoint
    from benchmarks.texts import exact_lengths, some_texts, write_corpus

    about = machine.described(arguments.threads)
    calibration = some_texts(16)
    shapes = {}
    for name in arguments.shapes:
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model"
            make_checkpoint(SHAPES[name], model, minilm(arguments), calibration)
            words = AutoTokenizer.from_pretrained(model)
            texts = exact_lengths(words, max(arguments.batches), arguments.length)
            corpora = {
                size: write_corpus(Path(folder) / f"{size}.jsonl", texts[:size])
                for size in arguments.batches
            }
            shapes[name] = compare(SHAPES[name], model, corpora, arguments)
    limit = int(arguments.limit_gib * 2**30)
    settings = {"length": arguments.length, "limit_bytes": limit}
    results = {"machine": about, "settings": settings, "mib": shapes}
    parts = [table(shapes, arguments.batches, limit), machine.in_words(about)]
    print(reports.write(arguments.output, "memory", results, parts))


def table(shapes: dict[str, Any], batches: Sequence[int], limit: int) -> str:
    """MiB above the loaded model by batch size."""
    rows = [
        [f"{shape}, {name}", *(in_words(sizes[str(size)], limit) for size in batches)]
        for shape, found in shapes.items()
        for name, sizes in found.items()
    ]
    return reports.table(["model, encoder", *(f"batch {size}, MiB" for size in batches)], rows)


if __name__ == "__main__":
    run(main)
