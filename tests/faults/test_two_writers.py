"""Two processes with one output: the second is refused or waits; files are never mixed.

The first stands still at a change of its output while the second runs.
"""

from __future__ import annotations

import signal
import time

import pytest

from tests.faults.conftest import Harnesses
from tests.faults.kills import Harness
from tests.faults.processes import TIMEOUT, start

pytestmark = pytest.mark.slow

PATIENCE = 3.0
"""Seconds that a second process that waits is left waiting."""


def both(harness: Harness, change: int) -> list[str]:
    """Stop one process at a change, run another, let the first go on; the errors of both."""
    out = harness.new_folder()
    job = harness.job
    first = start(job.words(out), out.with_suffix(".log"), out, change, signal.SIGSTOP)
    deadline = time.monotonic() + TIMEOUT
    while not first.is_stopped() and first.process.exitcode is None:
        assert time.monotonic() < deadline
        first.process.join(0.02)
    second = start([*job.words(out), *job.resume], out.with_suffix(".2.log"), out)
    second.process.join(harness.reference[3] + PATIENCE)
    first.signal_group(signal.SIGCONT)
    errors = [one.complaint() for one in (first.ended(), second.ended()) if one.status]
    assert not harness.unlike_whole(out)
    return errors


@pytest.mark.parametrize(
    ("name", "share"),
    [("encode", 0.5), ("mine", 0.5), ("train", 0.6), ("search", 0.7), ("evaluate", 0.5)]
    + [
        pytest.param(name, share, marks=pytest.mark.slow)
        for name in ("encode", "encode.query", "mine", "train", "search", "evaluate")
        for share in (0.0, 0.25, 0.75, 1.0)
    ],
)
def test_the_second_is_refused_or_waits(harness: Harnesses, name: str, share: float) -> None:
    made = harness(name)
    changes = made.reference[2].changes
    errors = both(made, max(1, round(share * changes)))
    assert len(errors) <= 1
    told = ("another process", "exists already", "holds a run already")
    assert all(any(words in error for words in told) for error in errors), errors


@pytest.mark.jvm
@pytest.mark.parametrize("share", [0.2, pytest.param(0.8, marks=pytest.mark.slow)])
def test_two_that_index(harness: Harnesses, share: float) -> None:
    made = harness("index --impact")
    errors = both(made, max(1, round(share * made.reference[2].changes)))
    assert len(errors) == 1
    assert "another process is writing it" in errors[0] or "exists already" in errors[0]
