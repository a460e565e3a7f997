"""Verbs in processes of their own, started quickly: a server that has imported torch forks them.

A process can be made to kill (or stop, or interrupt) itself at its n-th change of a folder: at
every point where what is there is neither the old nor the new.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

IMPORTED = [
    "accelerate",
    "ir_measures",
    "scipy.stats",
    "transformers.models.bert.modeling_bert",
    "hyper_ir.encode.arguments",
    "hyper_ir.encode.documents",
    "hyper_ir.encode.topics",
    "hyper_ir.evaluate",
    "hyper_ir.mining.pipeline",
    "hyper_ir.search.to_run",
    "hyper_ir.train",
    "hyper_ir.training.command_line",
    "hyper_ir.training.run",
]
"""By the server, once; nothing of it starts threads or a JVM, which a fork would not survive."""

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # sums depend on the number of threads
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
TIMEOUT = 300.0


@dataclass
class Ended:
    """How a process ended.

    Attributes
    ----------
    status: its exit status; minus the signal's number where one ended it.
    printed: on stdout and stderr.
    changes: how often it changed the folder that was watched, where it came to its end.
    """

    status: int
    printed: str
    changes: int

    def complaint(self) -> str:
        """Its error, of one line and nothing else; otherwise the test fails."""
        assert self.status == 2, self.printed
        assert "Traceback" not in self.printed, self.printed
        lines = [line for line in self.printed.replace("\r", "\n").splitlines() if line.strip()]
        assert sum(line.startswith("error: ") for line in lines) == 1, self.printed
        assert lines[-1].startswith("error: "), self.printed
        return lines[-1]


@dataclass
class Started:
    """A process that runs a verb."""

    process: BaseProcess
    log: Path

    def ended(self, timeout: float = TIMEOUT) -> Ended:
        """Wait for its end."""
        self.process.join(timeout)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            pytest.fail(f"it did not end: {self.printed()}")
        count = self.log.with_suffix(".changes")
        changes = int(count.read_text()) if count.exists() else 0
        return Ended(self.process.exitcode, self.printed(), changes)

    def printed(self) -> str:
        """What it has printed by now, on stdout and stderr."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def signal_group(self, number: int) -> None:
        """What a terminal does on Ctrl-C: the signal goes to all processes of the command."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(self.process.pid or 0), number)

    def is_stopped(self) -> bool:
        """Whether it stands still; False where it has ended."""
        try:
            state = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        return state == "T"


def start(
    words: Sequence[str],
    log: Path,
    watched: Path | None = None,
    at: int = 0,
    by: int = signal.SIGKILL,
    prepare: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
) -> Started:
    """Run ``python -m WORDS`` in a process of its own.

    Parameters
    ----------
    watched: the folder whose changes are counted.
    at, by: the number of the change, from 1, before which it sends its group a signal; 0: none.
    prepare: a function of a module, called in the process with ``arguments`` before the verb.
    """
    if not hasattr(os, "fork"):
        pytest.skip("needs fork and signals")
    log.unlink(missing_ok=True)
    log.with_suffix(".changes").unlink(missing_ok=True)
    log.touch()
    context = get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    with patch.dict(os.environ, ENVIRONMENT):
        forkserver.ensure_running()
    target = (list(words), log, watched, at, by, prepare, arguments)
    process = context.Process(target=_run, args=target)
    process.start()
    return Started(process, log)


def _run(
    words: list[str],
    log: Path,
    watched: Path | None,
    at: int,
    by: int,
    prepare: Callable[..., None] | None,
    arguments: tuple[Any, ...],
) -> None:
    os.setsid()
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.environ.update(ENVIRONMENT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    warnings.simplefilter("ignore", RuntimeWarning)  # the modules are imported already
    sys.argv = list(words)
    if prepare is not None:
        prepare(*arguments)
    changes = 0

    def count(event: str, details: tuple[Any, ...]) -> None:
        nonlocal changes
        if watched is not None and _is_change(event, details, os.fspath(watched)):
            changes += 1
            if changes == at:
                os.killpg(os.getpgrp(), by)

    sys.addaudithook(count)
    try:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    finally:
        sys.stdout.flush()
        log.with_suffix(".changes").write_text(str(changes))


def _is_change(event: str, details: tuple[Any, ...], folder: str) -> bool:
    if event == "open":
        return _below(details[0], folder) and bool(details[2] & WRITING)
    return event in CHANGES and any(_below(detail, folder) for detail in details)


def _below(path: object, folder: str) -> bool:
    return isinstance(path, str | os.PathLike) and str(path).startswith(folder)
