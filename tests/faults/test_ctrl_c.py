"""Ctrl-C: one line that says how to go on, nothing half-written, and a rerun ends well."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.command import INTERRUPTED, VERBS
from tests.faults.conftest import Harnesses
from tests.faults.processes import Ended, start
from tests.java_here import java_or_skip
from tests.reproduction.small_grid import write_grid, yaml_of

pytestmark = pytest.mark.slow

ENCODE = ["input", "--corpus", "a", "output", "--embeddings", "b", "encoder", "--encoder", "c"]


def hint(ended: Ended) -> str:
    """What an interrupted command says last, with nothing like a traceback before it."""
    assert ended.status == INTERRUPTED, ended.printed
    assert "Traceback" not in ended.printed, ended.printed
    last = ended.printed.rstrip().replace("\r", "\n").splitlines()[-1]
    assert last.startswith("interrupted; "), ended.printed
    return last.removeprefix("interrupted; ")


def interrupt_parsing() -> None:
    """Have Ctrl-C come when the command line is read, however a verb does it."""

    def parser(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    argparse.ArgumentParser.__init__ = parser  # type: ignore[method-assign]


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_says_how_to_go_on(tmp_path: Path, verb: str) -> None:
    words = [f"hyper_ir.{verb}", *(ENCODE if verb == "encode" else [])]
    told = hint(start(words, tmp_path / "log", prepare=interrupt_parsing).ended())
    assert "same command" in told or "--resume" in told


@pytest.mark.parametrize(
    ("name", "share"),
    [("encode", 0.5), ("encode.query", 0.5), ("mine", 0.5), ("train", 0.6), ("search", 0.8)]
    + [("evaluate", 0.5)]
    + [
        pytest.param(name, share, marks=pytest.mark.slow)
        for name in ("encode", "mine", "train", "train frozen", "search", "evaluate")
        for share in (0.1, 0.3, 0.7, 0.9, 1.0)
    ],
)
def test_work_that_was_interrupted_goes_on(harness: Harnesses, name: str, share: float) -> None:
    interrupted(harness, name, share)


@pytest.mark.jvm
@pytest.mark.parametrize("name", ["index --impact", "search lucene"])
def test_java_ends_with_the_command(harness: Harnesses, name: str) -> None:
    interrupted(harness, name, 0.5)


def interrupted(harness: Harnesses, name: str, share: float) -> None:
    made = harness(name)
    change = max(1, round(share * made.reference[2].changes))
    out = made.new_folder()
    words = made.job.words(out)
    hint(start(words, out.with_suffix(".log"), out, change, signal.SIGINT).ended())
    assert not made.half_made(out)
    assert not made.gone_on_with(out)


def twice(words: list[str], again: list[str], out: Path) -> None:
    """Interrupt a command at its fifth change, and run it to its end."""
    log = out.with_suffix(".log")
    told = hint(start(words, log, out.parent, 5, signal.SIGINT).ended())
    assert "same command again" in told
    ended = start([*words, *again], log).ended()
    assert ended.status == 0, ended.printed


def test_data(given: Path, tmp_path: Path) -> None:
    out = tmp_path / "passages"
    corpus = ["--corpus", str(given / "corpus.jsonl"), "--shard-size", "5"]
    twice(["hyper_ir.data", "passages", *corpus, "--output", str(out)], [], tmp_path / "passages")
    assert len(list(out.glob("passages-*"))) == 6
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.slow
def test_advise(given: Path, tmp_path: Path) -> None:
    words = ["hyper_ir.advise", "--vectors", str(given / "v"), "--engine", "exact", "--quiet"]
    words += ["--topics", str(given / "topics.tsv"), "--qrels", str(given / "qrels.txt")]
    words += ["--encoder", str(given / "start"), "--output", str(tmp_path / "advice")]
    words += [
        "--factors",
        "100",
        "50",
        "--top-k",
        "0",
        "8",
        "--query-terms",
        "0",
        "--min-idf",
        "-1",
    ]
    twice([*words, "--passes", "1", "--sample", "4"], [], tmp_path / "advice")


@pytest.mark.slow
def test_reproduce(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    words = ["hyper_ir.reproduce", "--recipe", str(yaml_of(grid, tmp_path / "grid.yaml"))]
    twice([*words, "--only", "splade-HypeR@1"], [], tmp_path / "grid")


@pytest.mark.slow
def test_analyse(given: Path, tmp_path: Path) -> None:
    words = ["hyper_ir.analyse", "--model", str(given / "start"), "--only", "prefix-length"]
    words += ["--prefix-lengths", "2", "4", "--query-lengths", "8", "--batch-sizes", "1"]
    words += ["--rounds", "2", "--quiet", "--output", str(tmp_path / "analysis")]
    twice(words, [], tmp_path / "analysis")


@pytest.mark.slow
@pytest.mark.jvm
def test_quickstart(tmp_path: Path, given: Path) -> None:
    java_or_skip()
    words = ["hyper_ir.quickstart", "--output", str(tmp_path / "q"), "--packages", "jsonlines"]
    words += ["--model", str(given / "start"), "--steps", "0", "--max-topics", "5"]
    twice(words, [], tmp_path / "q")
