"""A clock that jumps: nothing that is made depends on the time of day."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from hyper_ir.reproduction.claims import Claims
from tests.faults.conftest import Harnesses
from tests.faults.processes import start

CENTURY = 100 * 365 * 86_400
JOBS = ["encode", "mine", "train", "train frozen", "search", "evaluate"]


def jump() -> None:
    """Have every look at the clock give another time, before or after the last."""
    draw = random.Random(7)

    def now() -> float:
        return draw.uniform(0, CENTURY)

    time.time = now
    time.time_ns = lambda: int(now() * 1e9)


def age(folder: Path, seconds: float) -> None:
    """Have all files of a folder be as old as the clock would say after a jump."""
    for path in folder.rglob("*"):
        os.utime(path, (seconds, seconds), follow_symlinks=False)


@pytest.mark.parametrize("name", JOBS)
def test_the_same_is_made_when_the_clock_jumps(harness: Harnesses, name: str) -> None:
    made = harness(name)
    _ = made.reference
    out = made.new_folder()
    words = made.job.words(out)
    ended = start(words, out.with_suffix(".log"), prepare=jump).ended()
    assert ended.status == 0, ended.printed
    assert not made.unlike_whole(out)


@pytest.mark.parametrize("then", [0, CENTURY])
@pytest.mark.parametrize("name", ["encode", "train frozen"])
def test_a_run_goes_on_after_a_jump(harness: Harnesses, name: str, then: float) -> None:
    made = harness(name)
    changes = made.reference[2].changes
    out = made.new_folder()
    start(made.job.words(out), out.with_suffix(".log"), out, changes * 2 // 3).ended()
    age(out, then)
    age(made.given, CENTURY - then)
    assert not made.gone_on_with(out)


def test_a_claim_of_a_process_that_lives_is_its_own_whatever_the_clock_says(tmp_path: Path) -> None:
    with Claims(tmp_path).held("a") as mine:
        assert mine
        for then in (0, CENTURY):
            os.utime(tmp_path / "a.claim", (then, then))
            with Claims(tmp_path).held("a") as second:
                assert not second
