"""``python -m benchmarks.scale``: seconds and peak memory of each verb by size of the collection.

Each verb runs in a process of its own, whose greatest resident memory the kernel tells. The model
is a tiny random one: what grows with the collection is not the model.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine, reports
from benchmarks.options import check, parser, say
from hyper_ir.command import run

MIB = 2**20
SHOWN = 2000
"""Characters of a failed verb's last words."""

WATCH = """import os, subprocess, sys
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
os.write(int(sys.argv[1]), str(usage.ru_maxrss).encode())
sys.exit(os.waitstatus_to_exitcode(status))"""
"""Runs a command and tells its peak: the kernel counts what the process had that started it, so
that one must be small."""


@dataclass(frozen=True)
class Step:
    """A verb over a collection.

    Attributes
    ----------
    name: in the table.
    words: behind ``python -m``.
    """

    name: str
    words: list[str]


@dataclass(frozen=True)
class Cost:
    """What a step took: seconds, and the most bytes of memory of its process."""

    seconds: float
    bytes: int


def steps_of(folder: Path, model: Path, threads: int) -> list[Step]:
    """The verbs, each working on what those before it left in ``folder``."""
    corpus, task = str(folder / "corpus.jsonl"), str(folder / "task")
    vectors, impact, bm25 = (str(folder / name) for name in ("vectors", "impact", "bm25"))
    runs, examples = str(folder / "impact.trec"), str(folder / "examples.jsonl")
    many = ["--threads", str(threads)]
    recipe = ["--model", str(model), "--output", str(folder / "trained"), "--freeze", "document"]
    recipe += ["--data.examples", f"[{examples}]", "--data.vectors", vectors, "--prompts", "null"]
    recipe += ["--batch.size", "8", "--batch.negatives", "3", "--optimiser.max_steps", "5"]
    verb = "hyper_ir."
    return [
        Step("read", [f"{verb}data", "passages", "--corpus", corpus, "--output", f"{folder}/read"]),
        Step(
            "encode",
            [
                *(f"{verb}encode", "input", "--corpus", corpus, "output", "--embeddings", vectors),
                *("encoder", "--encoder", str(model), "--top-k", "64", "--workers", "1", *many),
            ],
        ),
        Step(
            "index, impacts",
            [f"{verb}index", "--impact", "--input", vectors, "--index", impact, *many],
        ),
        Step("index, BM25", [f"{verb}index", "--input", corpus, "--index", bm25, *many]),
        Step(
            "search, impacts",
            [
                *(f"{verb}search", "--impact", "--index", impact, "--topics", task),
                *("--output", runs, "--encoder", str(model), *many),
            ],
        ),
        Step(
            "search, BM25",
            [
                *(f"{verb}search", "--index", bm25, "--topics", task, *many),
                *("--output", str(folder / "bm25.trec")),
            ],
        ),
        Step("evaluate", [f"{verb}evaluate", "--qrels", task, "--runs", runs]),
        Step(
            "mine",
            [
                *(f"{verb}mine", "--tasks", f"made={task}", "--corpus", corpus, "--index", bm25),
                *("--output", examples, *many),
            ],
        ),
        Step("train, 5 steps", [f"{verb}train", "--config", "mini-kilt", *recipe]),
    ]


def cost_of(step: Step, threads: int) -> Cost:
    """Run a step; raises ValueError with its last words where it fails."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        told, tell = os.pipe()
        start = time.perf_counter()
        status = subprocess.call(
            [sys.executable, "-S", "-c", WATCH, str(tell), sys.executable, "-m", *step.words],
            stdout=said,
            stderr=said,
            env=environment,
            pass_fds=[tell],
        )
        seconds = time.perf_counter() - start
        os.close(tell)
        with open(told, encoding="ascii") as handle:
            kibibytes = handle.read()
        if status:
            said.seek(0)
            raise ValueError(f"{step.name}: status {status}: {said.read()[-SHOWN:]}")
    return Cost(seconds, int(kibibytes) * 1024)


def make_inputs(folder: Path, passages: int, topics: int, words: int) -> None:
    """The collection and its task."""
    from benchmarks.scale_data import write_collection, write_task
    from benchmarks.texts import some_texts

    texts = some_texts(2000)
    write_collection(folder / "corpus.jsonl", texts, passages, words)
    write_task(folder / "task", texts, passages, topics)


def make_model(folder: Path) -> None:
    """A BERT of two layers of 32 components with MiniLM's vocabulary."""
    from benchmarks.checkpoints import make_checkpoint
    from benchmarks.counting import Shape
    from benchmarks.texts import some_texts
    from hyper_ir.quickstart.backbone import installed_minilm

    shape = Shape("tiny", layers=2, hidden=32, heads=2, intermediate=64, vocabulary=30522)
    make_checkpoint(shape, folder, installed_minilm(), some_texts(16))


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, write the results, and print the table."""
    made = parser("scale", __doc__ or "", rounds=1, example="python -m benchmarks.scale")
    add = made.add_argument
    add("--sizes", type=int, nargs="+", default=[100_000, 1_000_000], help="passages")
    add("--topics", type=int, default=500, help="queries of the task")
    add("--words", type=int, default=40, help="of a passage; memory does not depend on it")
    add("--folder", type=Path, help="where collections are made (default: a temporary folder)")
    arguments = made.parse_args(argv)
    check(arguments)
    if min(arguments.sizes) < arguments.topics or arguments.topics < 1 or arguments.words < 4:
        raise ValueError("sizes: as many passages as topics at least; topics: 1; words: 4")
    about = machine.described(arguments.threads)
    found: dict[str, dict[int, Cost]] = {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        home = Path(name)
        _apart(make_model, home / "model")
        for size in sorted(arguments.sizes):
            folder = home / str(size)
            folder.mkdir()
            _apart(make_inputs, folder, size, arguments.topics, arguments.words)
            for step in steps_of(folder, home / "model", arguments.threads):
                cost = cost_of(step, arguments.threads)
                found.setdefault(step.name, {})[size] = cost
                say(f"{size:,} passages, {step.name}: {cost.seconds:.0f} s, {shown(cost)} MiB")
    settings = {"topics": arguments.topics, "words": arguments.words}
    costs = {step: {str(size): asdict(c) for size, c in by.items()} for step, by in found.items()}
    results = {"machine": about, "settings": settings, "costs": costs}
    parts = [table(found), machine.in_words(about)]
    print(reports.write(arguments.output, "scale", results, parts))


def _apart(work: Any, *arguments: Any) -> None:
    """Do it in a process of its own, which takes what it imports with it."""
    import multiprocessing

    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise ValueError(f"{work.__name__} ended with status {process.exitcode}")


def shown(cost: Cost) -> str:
    """The peak in MiB."""
    return f"{cost.bytes / MIB:,.0f}"


def table(found: dict[str, dict[int, Cost]]) -> str:
    """Seconds and MiB of each step by size, and how much memory grew from the least to the most."""
    sizes = sorted(next(iter(found.values())))
    header = ["step", *(f"{size:,}: s" for size in sizes), *(f"{size:,}: MiB" for size in sizes)]
    rows = []
    for step, costs in found.items():
        ordered = [costs[size] for size in sizes]
        seconds = [f"{cost.seconds:,.0f}" for cost in ordered]
        growth = ordered[-1].bytes / ordered[0].bytes
        rows.append([step, *seconds, *map(shown, ordered), f"{growth:.2f}"])
    return reports.table([*header, "memory, last / first"], rows)


if __name__ == "__main__":
    run(main)
