"""Small inputs, made once for all tests of faults; harnesses that know the unbroken outcome."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.jobs import index_given, jobs, write_given
from tests.faults.kills import Harness
from tests.java_here import java_or_skip

Harnesses = Callable[[str], Harness]


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_given(tmp_path_factory.mktemp("faults") / "given")


@pytest.fixture(scope="session")
def harness(given: Path) -> Harnesses:
    """The harness of a job, whose unbroken run is done once."""
    made: dict[str, Harness] = {}

    def of(name: str) -> Harness:
        job = jobs(given)[name]
        if job.java:
            java_or_skip()
        if "lucene" in name and not (given / "index").is_dir():
            index_given(given)
        if name not in made:
            made[name] = Harness(job, given, given.parent / name.replace(" ", ""), seed=2)
        return made[name]

    return of


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 KiB; skipped where one cannot be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("there is no mount")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(disk)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"no disk can be mounted: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def remount(disk: Path, option: str) -> None:
    """Change a mounted disk: its ``size=``, or ``ro`` and ``rw``."""
    subprocess.run(["mount", "-o", f"remount,{option}", str(disk)], check=True)
