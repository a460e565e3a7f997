"""``python -m benchmarks.encoding``: texts to impacts, beside Pyserini and sentence-transformers.

All contenders read the same file, encode it with the same checkpoint at the same quantisation, and
write Anserini's JSON lines; the impacts are then compared pair by pair.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import encoding_tables, machine, reports
from benchmarks.counting import SHAPES, Shape
from benchmarks.harness import Contender, Rounds, Turn, Worker, interleaved
from benchmarks.options import add_shapes, check, minilm, parser, say
from hyper_ir.command import run

PEERS = ("pyserini", "sentence-transformers")
OURS = "hyper_ir"
COUNTS = {"minilm": 64, "distilbert": 48, "bert-base": 32}
"""Texts by default: with them the three shapes take under ten minutes on two cores."""

WARM = 8
"""Texts of the warm-up."""


def contenders(model: Path, length: int, device: str, only: Sequence[str]) -> list[Contender]:
    """The peers first, then each mode of ours."""
    settings = {"model": str(model), "max_length": length, "device": device}
    found = [
        Contender(name, f"benchmarks.encoders:{name.replace('-', '_')}", settings) for name in PEERS
    ]
    for mode in ("exact", "fast"):
        own = {**settings, "mode": mode}
        found.append(Contender(f"{OURS} {mode}", "benchmarks.encoders:hyper_ir", own))
    if unknown := {*only} - {one.name for one in found}:
        names = ", ".join(one.name for one in found)
        raise ValueError(f"only: {min(unknown)} is none of {names}")
    return [one for one in found if not only or one.name in only]


def compare(shape: Shape, texts: list[str], arguments: argparse.Namespace) -> dict[str, Any]:
    """All that is measured of one shape, as JSON holds it."""
    from benchmarks.checkpoints import make_checkpoint
    from benchmarks.texts import write_corpus

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_checkpoint(shape, folder / "model", minilm(arguments), texts[:32])
        write_corpus(folder / "warm.jsonl", texts[:WARM])
        write_corpus(folder / "corpus.jsonl", texts)
        sides = contenders(folder / "model", arguments.max_length, arguments.device, arguments.only)
        answers, parts = measured(sides, folder, arguments)
        peaks = [answer["operations_per_second"] for answer in parts.pop("peak")]
        return {
            "token_counts": token_counts(folder / "model", texts, arguments.max_length),
            "seconds": {who: [one["seconds"] for one in runs] for who, runs in answers.items()},
            "parts": parts,
            "peaks": peaks,
            "agreement": agreements(folder, [side.name for side in sides]),
        }


def measured(
    sides: Sequence[Contender], folder: Path, arguments: argparse.Namespace
) -> tuple[Rounds, Rounds]:
    """The rounds of all; then ours again in parts, in turn with the machine's matrix peak."""
    peak = Contender("peak", "benchmarks.peak:matrix_peak", {"device": arguments.device})
    with ExitStack() as stack:
        everyone, own = [], []
        for side in sides:
            worker = stack.enter_context(Worker(side, arguments.threads))
            worker.wait()
            task = {"corpus": str(folder / "corpus.jsonl"), "output": str(folder / side.name)}
            everyone.append(Turn(worker, task, {**task, "corpus": str(folder / "warm.jsonl")}))
            if side.name.startswith(OURS):
                own.append(Turn(worker, {**task, "parts": True}))
        answers = interleaved(everyone, arguments.rounds, say)
        own.append(Turn(stack.enter_context(Worker(peak, arguments.threads))))
        return answers, interleaved(own, arguments.rounds, say)


def token_counts(model: Path, texts: list[str], length: int) -> list[int]:
    """Of each text, special tokens included, cut as the contenders cut it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    return [len(ids) for ids in tokenizer(texts, truncation=True, max_length=length)["input_ids"]]


def agreements(folder: Path, names: Sequence[str]) -> dict[str, Any]:
    """Each contender's impacts beside the first one's, and how many terms a text has."""
    from benchmarks.agreement import agreement, read_impacts

    first = read_impacts(folder / names[0])
    found = {}
    for name in names:
        impacts = read_impacts(folder / name)
        compared = agreement(first, impacts)
        terms = sum(map(len, impacts.values())) / len(impacts)
        found[name] = {**asdict(compared), "share": compared.share, "terms": terms}
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Measure each shape, write the results, and print the tables."""
    made = parser("encoding", __doc__ or "", "python -m benchmarks.encoding --shapes minilm")
    add_shapes(made, [*SHAPES])
    made.add_argument("--texts", help="a corpus, of which the first are taken; default: docstrings")
    made.add_argument("--count", type=int, help=f"texts of each shape; default: {COUNTS}")
    made.add_argument("--max-length", type=int, default=256, help="tokens a text is cut to")
    made.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1")
    made.add_argument("--only", nargs="+", default=[], help="contenders by their names")
    arguments = made.parse_args(argv)
    check(arguments)
    if arguments.count is not None and arguments.count < 1:
        raise ValueError(f"count: {arguments.count} is not a positive number")
    contenders(Path(), arguments.max_length, arguments.device, arguments.only)  # known names only

    from benchmarks.texts import some_texts

    about = machine.described(arguments.threads, arguments.device)
    most = arguments.count or max(COUNTS[name] for name in arguments.shapes)
    texts = some_texts(most, arguments.texts)
    shapes = {}
    for name in arguments.shapes:
        say(name)
        chosen = texts[: arguments.count or COUNTS[name]]
        shapes[name] = compare(SHAPES[name], chosen, arguments)
    settings = {"max_length": arguments.max_length, "rounds": arguments.rounds}
    results = {"machine": about, "settings": settings, "shapes": shapes}
    suffix = "" if arguments.device == "cpu" else f"-{arguments.device.replace(':', '')}"
    parts = [*encoding_tables.tables(shapes, arguments.device), machine.in_words(about)]
    print(reports.write(arguments.output, f"encoding{suffix}", results, parts))


if __name__ == "__main__":
    run(main)
