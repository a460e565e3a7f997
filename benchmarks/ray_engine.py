"""``python -m benchmarks.ray_engine``: encoding by Ray's workers beside the local engine's.

Both are whole commands with as many workers of one thread each. What a command takes for one
document (loading; Ray has a cluster to start as well) is measured in the same rounds and taken off.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import machine, reports
from benchmarks.commands import Command
from benchmarks.harness import Rounds, Spread, Turn, interleaved
from benchmarks.options import check, minilm, parser, say
from hyper_ir.command import run

ENGINES = ("local", "ray")
SHARD = 128
"""Documents of a shard: the smallest window of the local engine."""


def words(engine: str, model: Path, corpus: Path, output: Path, workers: int) -> list[str]:
    """The command line, behind ``python -m``."""
    given = ["hyper_ir.encode"]
    if engine == "ray":
        given += ["--engine", "ray", "--ray-shard-size", str(SHARD)]
    given += ["input", "--corpus", str(corpus), "output", "--embeddings", str(output)]
    given += ["encoder", "--encoder", str(model), "--device", "cpu", "--mode", "fast"]
    return [*given, "--workers", str(workers), "--threads", "1"]


def write_corpus(path: Path, documents: int) -> Path:
    """Docstrings, one a document, over and over."""
    from benchmarks.texts import some_texts

    texts = some_texts(min(documents, 2000))
    with open(path, "w", encoding="utf-8") as handle:
        for number in range(documents):
            record = {"id": f"d{number}", "contents": texts[number % len(texts)]}
            handle.write(json.dumps(record) + "\n")
    return path


def content(folder: Path) -> bytes:
    """All vectors, shard after shard."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("embeddings*.jsonl")))


def rates(found: Rounds, documents: int) -> dict[str, list[float]]:
    """Documents a second of each engine, one a round, without what one document takes."""
    return {
        engine: [
            (documents - 1) / (whole["seconds"] - alone["seconds"])
            for whole, alone in zip(found[engine], found[f"{engine}, start"], strict=True)
        ]
        for engine in ENGINES
    }


def table(found: Rounds, documents: int) -> str:
    """Rates, their ratio, and the seconds of starting."""
    by_engine = rates(found, documents)
    pairs = zip(by_engine["ray"], by_engine["local"], strict=True)
    ratio = Spread.of([ray / local for ray, local in pairs])
    rows = []
    for engine in ENGINES:
        start = Spread.of([answer["seconds"] for answer in found[f"{engine}, start"]])
        beside = ratio.shown() if engine == "ray" else "1"
        rows.append([engine, Spread.of(by_engine[engine]).shown(".1f"), beside, start.shown(".1f")])
    return reports.table(["engine", "docs/s", "× local", "start, s"], rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Encode in turn, compare the bytes, write the results, and print the table."""
    made = parser("ray_engine", __doc__ or "")
    made.add_argument("--model", type=Path, help="a lexical model; default: MiniLM with a new head")
    made.add_argument("--documents", type=int, default=2000)
    made.add_argument("--workers", type=int, default=2)
    arguments = made.parse_args(argv)
    check(arguments)
    if arguments.documents < 2 or arguments.workers < 1:
        raise ValueError("documents: 2 at least; workers: 1 at least")
    if find_spec("ray") is None:
        raise ValueError("Ray is not installed; pip install 'hyper_ir[ray]'")

    about = machine.described(arguments.workers)
    variables = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = arguments.model or made_model(folder / "model", arguments)
        turns = []
        for size, label in ((1, ", start"), (arguments.documents, "")):
            corpus = write_corpus(folder / f"{size}.jsonl", size)
            for engine in ENGINES:
                output = folder / f"{engine}-{size}"
                line = words(engine, model, corpus, output, arguments.workers)
                turns.append(Turn(Command(engine + label, line, output, variables)))
        found = interleaved(turns, arguments.rounds, say)
        size = arguments.documents
        same = content(folder / f"local-{size}") == content(folder / f"ray-{size}")
    if not same:
        raise ValueError("the engines' vectors are not the same bytes")
    said = f"{size:,} documents, {arguments.workers} workers each; vectors the same, byte for byte."
    results: dict[str, Any] = {"machine": about, "documents": size, "runs": found}
    parts = [table(found, size), said, machine.in_words(about)]
    print(reports.write(arguments.output, "ray_engine", results, parts))


def made_model(folder: Path, arguments: Any) -> Path:
    """A MiniLM with a head fitted on docstrings, as the quickstart makes it."""
    from benchmarks.texts import some_texts
    from hyper_ir.encode.grafting import SampleConfig, graft

    sample = SampleConfig(tokens=60_000)
    texts = some_texts(2000)
    retriever, _ = graft(str(minilm(arguments)), texts, sample=sample, progress=False)
    retriever.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    run(main)
