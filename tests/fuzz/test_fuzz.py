"""The fuzzing itself: it sees what goes wrong, and a short run of it finds nothing."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import pytest

from hyper_ir.problems import BadRecordError, Problems
from tests.fuzz.__main__ import main, tabulated
from tests.fuzz.judging import Judge
from tests.fuzz.mutation import MOST, Mutator
from tests.fuzz.seeds import BEHIND
from tests.fuzz.targets import TARGETS, Target

CHEAP = sorted(name for name, target in TARGETS.items() if target.cost < 100)
INPUTS = 150


def judge_of(tmp_path: Path, read: Callable[[Path], object], seconds: float = 5) -> Judge:
    def reading(path: Path, problems: Problems) -> Iterable[object]:
        yield read(path)

    return Judge(Target(reading, ("f.json", "f.tsv"), (b"x",)), tmp_path / "in", seconds)


def raises(error: Exception) -> Callable[[Path], object]:
    def read(path: Path) -> object:
        raise type(error)(str(error).replace("FILE", str(path)))

    return read


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyError("x"), "KeyError"),
        (RecursionError("x"), "RecursionError"),
        (MemoryError("x"), "MemoryError"),
        (OSError("FILE"), "OSError"),
        (ValueError("no file is named"), "ValueError names no file"),
        (BadRecordError("FILE: no line is named"), "BadRecordError names no line"),
        (ValueError("FILE:1: " + "x" * 20_000), "ValueError a message of over 15,000 characters"),
    ],
)
def test_failures_are_seen_with_their_cause(tmp_path: Path, error: Exception, reason: str) -> None:
    verdict = judge_of(tmp_path, raises(error)).judge(b"\0x")
    assert verdict.outcome == "failed"
    assert verdict.reason.startswith(reason)
    assert type(error).__name__ in verdict.story


def test_a_file_that_is_read_or_refused_is_no_failure(tmp_path: Path) -> None:
    assert judge_of(tmp_path, Path.read_bytes).judge(b"\0x").outcome == "read"
    for error in (
        ValueError("FILE: x"),
        BadRecordError("FILE:3: x"),
        BadRecordError("FILE: element 2: x"),
    ):
        assert judge_of(tmp_path, raises(error)).judge(b"\0x").outcome == "refused"


def test_an_endless_loop_and_an_exit_are_seen(tmp_path: Path) -> None:
    def spin(path: Path) -> object:
        number = 0
        while not math.isnan(number):
            number += 1
        return number

    verdict = judge_of(tmp_path, spin, 0.2).judge(b"\0")
    assert verdict.reason.startswith("HangingError")
    assert judge_of(tmp_path, lambda path: sys.exit(2)).judge(b"").reason.startswith("SystemExit")


HOG = """
from tests.fuzz.judging import bound_memory
bound_memory(100 * 2**20)
try:
    print(len(bytearray(200 * 2**20)))
except MemoryError:
    print("bounded")
"""


def test_memory_beyond_the_bound_cannot_be_had() -> None:
    done = subprocess.run([sys.executable, "-c", HOG], capture_output=True, text=True)
    assert done.stdout.strip() == "bounded", done.stderr


def test_an_input_says_its_names_and_what_is_done_with_bad_records(tmp_path: Path) -> None:
    target = Target(lambda *_: [], ("a.json", "b.tsv"), (b"x",), parts=("c/d.json",))
    found = []
    for number, data in enumerate(target.first_inputs()):
        path, problems = target.write(data + BEHIND + b"y", tmp_path / str(number))
        assert path.read_bytes() == b"x"
        assert (path.parent / "c" / "d.json").read_bytes() == b"y"
        found.append((path.name, problems.policy))
    assert found == [(name, policy) for policy in ("stop", "skip") for name in ("a.json", "b.tsv")]


def test_changes_follow_the_seed_and_stay_short() -> None:
    starts = [b'\0{"id": "1", "contents": "a text", "n": [1.5, true]}\n', b"\1a\tb\nc\td\n"]

    def made(seed: int) -> list[bytes]:
        mutator = Mutator(Random(seed), starts)
        return [mutator.mutate(starts[number % 2]) for number in range(400)]

    assert made(1) == made(1) != made(2)
    assert len(set(made(1))) > 300
    assert max(map(len, made(1))) <= MOST
    empty = Mutator(Random(3), [b""])
    for _ in range(400):
        empty.mutate(b"")


@pytest.mark.parametrize("reader", sorted(TARGETS))
def test_every_reader_starts_from_files_that_it_can_read(tmp_path: Path, reader: str) -> None:
    judge = Judge(TARGETS[reader], tmp_path / "in")
    verdicts = [judge.judge(data) for data in TARGETS[reader].first_inputs()]
    assert "read" in {verdict.outcome for verdict in verdicts}
    assert "failed" not in {verdict.outcome for verdict in verdicts}, verdicts


@pytest.mark.parametrize("reader", CHEAP)
def test_a_short_run_finds_nothing(tmp_path: Path, reader: str) -> None:
    target = TARGETS[reader]
    first = target.first_inputs()
    chance = Random(7)
    mutator = Mutator(chance, first)
    judge = Judge(target, tmp_path / "in")
    for _ in range(INPUTS):
        data = mutator.mutate(chance.choice(first))
        verdict = judge.judge(data)
        assert verdict.outcome != "failed", f"{verdict.reason}\n{data!r:.2000}\n{verdict.story}"


def test_the_command_counts_and_tells_findings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--inputs", "120", "--engine", "mutation", "--output", str(tmp_path)]
    assert main(["run", "qrels", *flags]) == 0
    printed = capsys.readouterr()
    found = json.loads((tmp_path / "fuzzing.json").read_text())
    assert set(found) == {"run", "qrels"}
    for counts in found.values():
        assert counts["inputs"] == counts["read"] + counts["refused"] == 120
        assert counts["read"]
        assert counts["refused"]
        assert 0 <= counts["peak_bytes"] < 1 << 30
    assert "| all | 240 |" in printed.out
    assert "run: 120 inputs in" in printed.err
    with pytest.raises(ValueError, match="there is no runs; --list names them"):
        main(["runs"])


def test_a_reader_that_kills_its_process_is_a_row() -> None:
    rows = tabulated({"run": {"inputs": 0, "failed": 1, "died": -11, "said": ""}}).splitlines()
    assert rows[2] == "| run | 0 | 0 | 0 | 1 | 1 | 0.00 | 0 |"
