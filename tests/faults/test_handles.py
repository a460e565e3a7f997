"""Out of file handles: one line that says so, nothing half-written, and a rerun ends well."""

from __future__ import annotations

import os

import pytest

from tests.faults.conftest import Harnesses
from tests.faults.processes import start


def few_handles(more: int) -> None:
    """Allow so many files besides those that are open; no number below theirs is left free."""
    import resource

    used = max(int(name) for name in os.listdir("/dev/fd"))
    while (last := os.open(os.devnull, os.O_RDONLY)) <= used:
        pass
    os.close(last)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (last + more, hard))


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="needs /dev/fd")
@pytest.mark.parametrize(
    ("name", "more"),
    [("encode", 3), ("mine", 2), ("train", 8), ("search", 1), ("evaluate", 1)]
    + [
        pytest.param(name, more, marks=pytest.mark.slow)
        for name in ("encode", "mine", "train", "search", "evaluate")
        for more in (1, 2, 4, 6, 10)
    ],
)
def test_too_few_handles_are_told(harness: Harnesses, name: str, more: int) -> None:
    made = harness(name)
    _ = made.reference
    out = made.new_folder()
    words = made.job.words(out)
    ended = start(words, out.with_suffix(".log"), prepare=few_handles, arguments=(more,)).ended()
    assert ended.status or more > 1 or name in ("search", "evaluate")  # these open few at a time
    if ended.status:
        assert "Too many open files" in ended.complaint() or "os error 24" in ended.complaint()
    assert not made.half_made(out)
    assert not made.gone_on_with(out)
