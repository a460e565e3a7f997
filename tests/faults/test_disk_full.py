"""A full disk: one line that says so, nothing half-written, and a rerun with room ends well."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from tests.faults.conftest import Harnesses, remount
from tests.faults.kills import Harness
from tests.faults.processes import Ended, start

PAGE = 4096
JOBS = ["encode", "encode.query", "mine", "train", "train frozen", "search", "evaluate"]
JAVA_JOBS = ["index --impact", "index"]

pytestmark = [
    pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs POSIX"),
    pytest.mark.slow,
]


def pages(folder: Path) -> int:
    """What the files of a folder take on a small disk."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return sum(-(-size // PAGE) for size in sizes)


def fill(harness: Harness, disk: Path, share: float) -> Ended:
    """Run a job on a disk with this share of the room that it needs."""
    _ = harness.reference
    room = max(1, int(pages(harness.folder / "whole") * share))
    remount(disk, f"size={room * PAGE}")
    out = disk / "out"
    out.mkdir(exist_ok=True)
    return start(harness.job.words(out), disk.with_suffix(".log"), out).ended()


def survives(harness: Harness, disk: Path, share: float) -> None:
    ended = fill(harness, disk, share)
    complaint = ended.complaint()
    assert "disk is full" in complaint or "No space left on device" in complaint
    assert not harness.half_made(disk / "out")
    remount(disk, "size=64m")
    assert not harness.gone_on_with(disk / "out")


@pytest.mark.parametrize("name", JOBS)
def test_a_full_disk_is_told_and_survived(harness: Harnesses, small_disk: Path, name: str) -> None:
    survives(harness(name), small_disk, 0.5)


@pytest.mark.jvm
@pytest.mark.parametrize("name", JAVA_JOBS)
def test_lucene_on_a_full_disk(harness: Harnesses, small_disk: Path, name: str) -> None:
    survives(harness(name), small_disk, 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.05, 0.3, 0.8, 0.95])
@pytest.mark.parametrize("name", JOBS)
def test_wherever_the_room_ends(
    harness: Harnesses, small_disk: Path, name: str, share: float
) -> None:
    survives(harness(name), small_disk, share)


def limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("name", ["encode", "mine", "search"])
def test_files_that_may_not_grow(harness: Harnesses, name: str) -> None:
    """Needs no right to mount: a limit on the size of a file, which EFBIG tells of."""
    made = harness(name)
    _ = made.reference
    out = made.new_folder()
    log = out.with_suffix(".log")
    ended = start(made.job.words(out), log, out, prepare=limit_files, arguments=(400,)).ended()
    assert "File too large" in ended.complaint()
    assert not made.half_made(out)
    assert not made.gone_on_with(out)
