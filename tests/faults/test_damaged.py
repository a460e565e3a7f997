"""Damaged input, gzip, safetensors and JSONL: one line that names the file and the place."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Harnesses
from tests.faults.jobs import Job, jobs
from tests.faults.processes import start

Damage = Callable[[Path], None]


def cut(path: Path) -> None:
    """The second half is lost, in the middle of a line."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 + 3])


def cut_gzip(path: Path) -> None:
    """Packed, and then cut."""
    path.write_bytes(gzip.compress(path.read_bytes())[:-20])


def spoil_gzip(path: Path) -> None:
    """Packed, and then a byte in the middle is another."""
    content = bytearray(gzip.compress(path.read_bytes()))
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def spoil_head(path: Path) -> None:
    """The first bytes are others."""
    content = path.read_bytes()
    path.write_bytes(b"\xff" * 16 + content[16:])


def damaged(given: Path, folder: Path, name: str, damage: Damage) -> Path:
    """A copy of all inputs, one of them damaged."""
    copy = folder / "given"
    shutil.copytree(given, copy)
    damage(copy / name)
    return copy


def complaint(job: Job, folder: Path) -> str:
    out = folder / "out"
    out.mkdir()
    return start(job.words(out), folder / "log").ended().complaint()


INPUTS = [
    ("encode", "corpus.jsonl"),
    ("encode.query", "topics.tsv"),
    ("mine", "task.jsonl"),
    ("mine", "task.trec"),
    ("mine", "corpus.jsonl"),
    ("search", "v/embeddings.jsonl"),
    ("search", "topics.tsv"),
    ("evaluate", "task.trec"),
    ("evaluate", "qrels.txt"),
    ("train", "corpus.jsonl"),
    ("train", "train.jsonl"),
]
TEXTS = ("topics.tsv",)
"""A line of these that is cut is a line all the same."""


@pytest.mark.parametrize(
    ("name", "file", "damage"),
    [
        (name, file, damage)
        for name, file in INPUTS
        for damage in (cut, cut_gzip, spoil_gzip)
        if damage is not cut or file not in TEXTS
    ],
)
def test_the_place_is_named(
    given: Path, tmp_path: Path, name: str, file: str, damage: Damage
) -> None:
    copy = damaged(given, tmp_path, file, damage)
    told = complaint(jobs(copy)[name], tmp_path)
    path = str(copy / file)
    assert path in told
    compressed = "compressed" in told  # examples are read from place to place
    assert compressed or told.partition(path)[2][1].isdecimal(), told


@pytest.mark.parametrize("damage", [cut, spoil_head])
@pytest.mark.parametrize("name", ["encode", "search", "train"])
def test_a_damaged_model_is_named(given: Path, tmp_path: Path, name: str, damage: Damage) -> None:
    copy = damaged(given, tmp_path, "start/model.safetensors", damage)
    told = complaint(jobs(copy)[name], tmp_path)
    assert str(copy / "start") in told


@pytest.mark.jvm
@pytest.mark.parametrize("damage", [cut, spoil_gzip])
def test_vectors_that_lucene_cannot_read(
    harness: Harnesses, given: Path, tmp_path: Path, damage: Damage
) -> None:
    harness("index --impact")  # skips where there is no Java
    copy = damaged(given, tmp_path, "v/embeddings.jsonl", damage)
    told = complaint(jobs(copy)["index --impact"], tmp_path)
    assert f"{copy / 'v' / 'embeddings.jsonl'}:" in told
    assert not (tmp_path / "out" / "index").exists()


CHECKPOINT = "out/checkpoints/checkpoint-2"


@pytest.mark.parametrize("damage", [cut, spoil_head])
@pytest.mark.parametrize(
    "file",
    [
        "out/recipe.json",
        f"{CHECKPOINT}/run.json",
        f"{CHECKPOINT}/trained.safetensors",
        f"{CHECKPOINT}/optimizer.pt",
        f"{CHECKPOINT}/scheduler.pt",
        f"{CHECKPOINT}/rng_state.pth",
        f"{CHECKPOINT}/trainer_state.json",
    ],
)
def test_a_damaged_checkpoint_is_named_and_not_gone_on_with(
    broken_run: tuple[Job, Path], tmp_path: Path, file: str, damage: Damage
) -> None:
    job, run = broken_run
    out = tmp_path / "out"
    shutil.copytree(run, out)
    damage(out / file)
    words = [*job.words(run), "--resume", "--output", str(out / "out")]
    told = start(words, tmp_path / "log").ended().complaint()
    assert str(out / file) in told


@pytest.fixture(scope="module")
def broken_run(given: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, Path]:
    """A run that was killed after its first checkpoint."""
    job = jobs(given)["train"]
    out = tmp_path_factory.mktemp("broken") / "run"
    out.mkdir()
    started = start(job.words(out), out.with_suffix(".log"), prepare=kill_at_step, arguments=(3,))
    assert started.ended().status < 0
    return job, out


def kill_at_step(step: int) -> None:
    """Kill the process when it logs a step."""
    import os
    import signal
    from typing import Any

    from hyper_ir.training.callbacks import Journal

    log = Journal.on_log

    def kill(self: Journal, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step >= step:
            os.kill(os.getpid(), signal.SIGKILL)
        log(self, args, state, control, **more)

    Journal.on_log = kill  # type: ignore[method-assign]
