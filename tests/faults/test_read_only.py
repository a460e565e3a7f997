"""Output where nothing can be written: told in one line before the work, for root too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.conftest import Harnesses, remount
from tests.faults.processes import start

JOBS = ["encode", "encode.query", "mine", "train", "search", "evaluate"]


@pytest.mark.parametrize("name", JOBS)
def test_a_read_only_disk_is_told(harness: Harnesses, small_disk: Path, name: str) -> None:
    job = harness(name).job
    remount(small_disk, "ro")
    ended = start(job.words(small_disk / "out"), small_disk.with_suffix(".log")).ended()
    assert "Read-only file system" in ended.complaint()
    assert "cannot be written" in ended.complaint()


@pytest.mark.jvm
def test_a_read_only_disk_is_told_before_java_starts(harness: Harnesses, small_disk: Path) -> None:
    job = harness("index --impact").job
    remount(small_disk, "ro")
    ended = start(job.words(small_disk / "out"), small_disk.with_suffix(".log")).ended()
    assert "cannot be written" in ended.complaint()
