"""Contenders in processes of their own, run in turn: A B C A B C ….

A contender loads what it needs once, then waits on its standard input, where it costs no CPU.
Whatever drifts on the machine (clock, temperature, neighbours) meets all contenders of a round,
so that the ratios of a round say more than its seconds.
"""

from __future__ import annotations

import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

SHOWN = 2000
"""Characters of a failed worker's last words."""


class WorkerError(ChildProcessError):
    """A contender's process failed, or gave no answer in time."""


@dataclass(frozen=True)
class Contender:
    """One side of a comparison.

    Attributes
    ----------
    name: as the tables call it.
    factory: ``"module:function"``. The function is called in the contender's process with the
        settings and returns a function of one argument (a dictionary, what ``Worker.run`` is
        given), which does the work once and returns a dictionary with its ``seconds``.
    settings: anything that JSON can hold.
    """

    name: str
    factory: str
    settings: dict[str, Any] = field(default_factory=dict)


class Worker:
    """A contender's process. Use it as a context manager; the process ends with the block.

    Parameters
    ----------
    threads: for every library in the process that can be told.
    timeout: seconds after which an answer is no longer awaited.

    Raises WorkerError, with the end of the process's stderr, where it dies or is too slow.
    """

    def __init__(self, contender: Contender, threads: int, timeout: float = 3600) -> None:
        self.name = contender.name
        self.timeout = timeout
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        command = [sys.executable, "-m", "benchmarks.worker", contender.factory]
        self._process = subprocess.Popen(
            [*command, json.dumps(contender.settings), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **_environment(threads)},
        )
        self._unread = b""
        self._loaded = False

    def wait(self) -> None:
        """Wait until the contender has loaded what it needs."""
        if not self._loaded:
            self._answer()
            self._loaded = True

    def run(self, **task: Any) -> dict[str, Any]:
        """Let it do its work once, as soon as it has loaded; its answer."""
        self.wait()
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(task).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._fail("ended")
        return self._answer()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process; harmless when it has ended."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None and not stream.closed:
                stream.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        deadline = time.monotonic() + self.timeout
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                self._process.kill()
                self._fail(f"gave no answer in {self.timeout:g} s")
            some = os.read(pipe, 1 << 16)
            if not some:
                self._fail("ended")
            self._unread += some
        line, _, self._unread = self._unread.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _fail(self, how: str) -> None:
        status = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip()[-SHOWN:]
        raise WorkerError(f"{self.name}: its process {how} (status {status}):\n{said}")


def _environment(threads: int) -> dict[str, str]:
    counts = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
    return {**dict.fromkeys(counts, str(threads)), "TOKENIZERS_PARALLELISM": "true"}


class Runner(Protocol):
    """What takes turns: a worker."""

    name: str

    def run(self, **task: Any) -> dict[str, Any]:
        """Work once; the answer has ``seconds``."""


@dataclass(frozen=True)
class Turn:
    """A worker's turn.

    Attributes
    ----------
    worker: who works.
    task: what it is given each time.
    warm_up: what it is given once before, which is not counted; None for nothing.
    label: what the turn is called where the worker's name does not tell it from another.
    """

    worker: Runner
    task: dict[str, Any] = field(default_factory=dict)
    warm_up: dict[str, Any] | None = None
    label: str = ""

    @property
    def name(self) -> str:
        """The label, or the worker's name."""
        return self.label or self.worker.name


Rounds = dict[str, list[dict[str, Any]]]
"""Answers of each turn by its name, one a round."""


def interleaved(
    turns: Sequence[Turn], rounds: int, said: Callable[[str], None] = lambda line: None
) -> Rounds:
    """Let all take turns, ``rounds`` times, after the warm-up of each that has one.

    ``said`` is told of each run, in a line.
    """
    if rounds < 1:
        raise ValueError(f"rounds: {rounds} is not a positive number")
    if len({turn.name for turn in turns}) < len(turns):
        raise ValueError(f"two turns have one name: {', '.join(turn.name for turn in turns)}")
    for turn in turns:
        if turn.warm_up is not None:
            turn.worker.run(**turn.warm_up)
    answers: Rounds = {turn.name: [] for turn in turns}
    for number in range(1, rounds + 1):
        for turn in turns:
            answer = turn.worker.run(**turn.task)
            answers[turn.name].append(answer)
            said(f"round {number} of {rounds}: {turn.name} {answer['seconds']:.3f} s")
    return answers


@dataclass(frozen=True)
class Spread:
    """A median and what it lies between."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value at least."""
        return cls(statistics.median(values), min(values), max(values))

    def shown(self, form: str = ".2f") -> str:
        """``2.10 (2.05–2.20)``."""
        return f"{self.median:{form}} ({self.least:{form}}–{self.most:{form}})"


def seconds(answers: Sequence[Mapping[str, Any]]) -> Spread:
    """Of a contender's rounds."""
    return Spread.of([float(answer["seconds"]) for answer in answers])


def speed_ratios(mine: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> Spread:
    """How many times as fast as theirs mine is, round by round."""
    pairs = zip(mine, theirs, strict=True)
    return Spread.of([float(their["seconds"]) / float(own["seconds"]) for own, their in pairs])
