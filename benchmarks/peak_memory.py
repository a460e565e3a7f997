"""The most memory that a piece of work takes, above what the process had before."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

from benchmarks.worker import Work

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


def watched(factory: str, settings: dict[str, Any], limit: int) -> Work:
    """A contender whose answers say how many ``bytes`` it took at most.

    It may take ``limit`` bytes more than it has when it is loaded; where that is not enough,
    ``bytes`` is missing.
    """
    module, _, name = factory.partition(":")
    work: Work = getattr(importlib.import_module(module), name)(**settings)
    _limit(limit)

    def measured(task: dict[str, Any]) -> dict[str, Any]:
        start, before = time.perf_counter(), reset()
        try:
            work(task)
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError) and "memory" not in str(error):
                raise
            return {"seconds": time.perf_counter() - start}
        return {"seconds": time.perf_counter() - start, "bytes": peak() - before}

    return measured


def reset() -> int:
    """Forget the peak so far, and return the bytes of memory in use now."""
    RESET.write_text("5")
    return _status("VmRSS")


def peak() -> int:
    """The most bytes of memory in use since :func:`reset`."""
    return _status("VmHWM")


def _limit(more: int) -> None:
    import resource

    allowed = _status("VmData") + more
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, resource.RLIM_INFINITY))


def _status(field: str) -> int:
    for line in STATUS.read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"{STATUS} has no {field}: peak memory is measured on Linux alone")
