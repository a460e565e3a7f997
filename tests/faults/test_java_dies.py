"""A JVM that dies: the one that indexes, and the one that searches inside the process."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Harnesses
from tests.faults.processes import TIMEOUT, Started, start

pytestmark = pytest.mark.jvm


def java_of(started: Started) -> int:
    """The number of the process's Java child, waited for; 0 where it ended without one."""
    deadline = time.monotonic() + TIMEOUT
    while started.process.exitcode is None and time.monotonic() < deadline:
        for path in Path(f"/proc/{started.process.pid}/task").glob("*/children"):
            # A thread or a child may end before it is read.
            with suppress(FileNotFoundError, ProcessLookupError):
                for child in path.read_text().split():
                    if b"IndexCollection" in Path(f"/proc/{child}/cmdline").read_bytes():
                        return int(child)
        started.process.join(0.01)
    return 0


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_the_java_that_indexes_is_killed(harness: Harnesses) -> None:
    made = harness("index")
    _ = made.reference
    out = made.new_folder()
    started = start(made.job.words(out), out.with_suffix(".log"), out)
    java = java_of(started)
    assert java, started.ended().printed  # 0 would be the tests' own processes
    os.kill(java, signal.SIGKILL)
    complaint = started.ended().complaint()
    assert "Java was ended by SIGKILL" in complaint
    assert not made.half_made(out)
    (out / "index.log").unlink()
    assert not made.gone_on_with(out)


def halt_at_indexing() -> None:
    """Have the JVM end, and the process with it, at the first document."""
    from hyper_ir.lucene import impact_writer

    def halt(*_: Any, **__: Any) -> None:
        from hyper_ir.lucene.jvm import java_class

        java_class("java.lang.Runtime").getRuntime().halt(134)

    impact_writer._Document.filled = halt  # type: ignore[method-assign]


def test_the_java_that_indexes_dies(harness: Harnesses) -> None:
    made = harness("index --impact")
    _ = made.reference
    out = made.new_folder()
    started = start(made.job.words(out), out.with_suffix(".log"), prepare=halt_at_indexing)
    assert started.ended().status == 134
    assert not made.half_made(out)
    assert not made.gone_on_with(out)


def halt_at_search() -> None:
    """Have the JVM end, and the process with it, at the first search."""
    from hyper_ir.lucene.searching import ImpactSearcher

    def halt(*_: Any, **__: Any) -> None:
        from hyper_ir.lucene.pyserini_api import load

        load().autoclass("java.lang.Runtime").getRuntime().halt(134)

    ImpactSearcher.search = halt  # type: ignore[method-assign,assignment]


def no_memory_at_search() -> None:
    """Have Lucene raise what Java raises without memory."""
    from hyper_ir.lucene.jvm import java_errors
    from hyper_ir.lucene.searching import ImpactSearcher

    def fail(*_: Any, **__: Any) -> None:
        from hyper_ir.lucene.pyserini_api import load

        with java_errors("impact search"):
            load().autoclass("java.util.ArrayList")(2**31 - 1)

    ImpactSearcher.search = fail  # type: ignore[method-assign,assignment]


def test_the_java_that_searches_dies(harness: Harnesses) -> None:
    made = harness("search lucene")
    _ = made.reference
    out = made.new_folder()
    ended = start(made.job.words(out), out.with_suffix(".log"), prepare=halt_at_search).ended()
    assert ended.status == 134
    assert not made.half_made(out)
    assert not made.gone_on_with(out)


def test_java_without_memory_is_told(harness: Harnesses) -> None:
    made = harness("search lucene")
    out = made.new_folder()
    ended = start(made.job.words(out), out.with_suffix(".log"), prepare=no_memory_at_search).ended()
    assert "OutOfMemoryError" in ended.complaint()
    assert not made.half_made(out)
    assert not made.gone_on_with(out)
