"""Windows of passages to lines: in this process, or in several that each hold the model.

A window is encoded by one process alone, each batch of it on one core, and windows are given back
in their order: the lines are the same, however many processes and threads there are.
"""

from __future__ import annotations

import copy
import os
import pickle
import signal
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import torch

from hyper_ir.data.records import Passage
from hyper_ir.encode.engine import Engine, Text
from hyper_ir.encode.lines import LineWriter, counts_of
from hyper_ir.wording import counted

Window = list[tuple[Passage, Text]]


class Encoded(NamedTuple):
    """A window, encoded.

    Attributes
    ----------
    lines: ``(id, line)`` of each passage.
    counts: documents, terms, and empty vectors.
    """

    lines: list[tuple[str, str]]
    counts: dict[str, int]


class WindowEncoder:
    """Encodes windows in this process."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.writer = LineWriter(engine.tokens)

    def __call__(self, window: Window) -> Encoded:
        """One window's lines."""
        vectors: Sequence[Any] = self.engine.arrays([text for _, text in window], one_core=True)
        lines = [
            (passage.id, self.writer.line(passage, vector))
            for (passage, _), vector in zip(window, vectors, strict=True)
        ]
        return Encoded(lines, counts_of(vectors))


def windows_of(items: Iterable[tuple[Passage, Text]], size: int) -> Iterator[Window]:
    """Cut passages and their texts into windows, read as they are asked for."""
    iterator = iter(items)
    while window := list(islice(iterator, size)):
        yield window


@dataclass(frozen=True)
class Crew:
    """Who encodes.

    Attributes
    ----------
    devices: where; each process has one of them, in turn.
    processes: how many.
    threads: of each process, on a CPU.

    Raises ValueError where one of them is none.
    """

    devices: tuple[str, ...]
    processes: int
    threads: int

    def __post_init__(self) -> None:
        if self.processes < 1 or self.threads < 1 or not self.devices:
            raise ValueError(
                f"workers and threads: at least 1 each, not {self.processes} and {self.threads}"
            )

    def __str__(self) -> str:
        where = "" if self.devices == ("cpu",) else f" on {', '.join(self.devices)}"
        processes = counted(self.processes, "process", "processes")
        return f"{processes} of {counted(self.threads, 'thread')}{where}"


class ProcessPool:
    """Processes that each hold a copy of the engine; use it as a context manager.

    The model travels through a file that is gone once all have read it. Ctrl-C is left to this
    process: the others end with it.
    """

    def __init__(self, engine: Engine, crew: Crew) -> None:
        self.crew = crew
        self._engine = engine
        self._folder = tempfile.TemporaryDirectory(prefix="hyper_ir-workers-")
        self._pool: ProcessPoolExecutor | None = None
        self._processes: set[BaseProcess] = set()

    def __enter__(self) -> ProcessPool:
        path = Path(self._folder.name) / "engine"
        context = get_context("spawn")
        barrier = context.Barrier(self.crew.processes)
        devices: Queue[str] = context.Queue()
        for number in range(self.crew.processes):
            devices.put(self.crew.devices[number % len(self.crew.devices)])
        try:
            with open(path, "wb") as handle:
                pickle.dump(parts_of(self._engine), handle)
            told = (str(path), devices, self.crew.threads, barrier)
            self._pool = ProcessPoolExecutor(self.crew.processes, context, _begin, told)
            self._wait_for_all()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        path.unlink()
        return self

    def _wait_for_all(self) -> None:
        """The pool starts a process only for a task that finds none idle."""
        assert self._pool is not None
        before = set(active_children())
        started = [self._pool.submit(_ready) for _ in range(self.crew.processes)]
        self._processes = set(active_children()) - before
        _results(started)

    def submit(self, window: Window) -> Future[Encoded]:
        """Have a window encoded as soon as a process is free."""
        assert self._pool is not None
        with _death_told():
            return self._pool.submit(_encode, window)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:  # what they are at is not wanted any more, and may take minutes
            for process in self._processes:
                process.kill()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._folder.cleanup()


def in_order(
    windows: Iterator[Window], submit: Callable[[Window], Future[Encoded]], ahead: int
) -> Iterator[Encoded]:
    """Encoded windows in their order, with at most ``ahead`` of them under way."""
    under_way: deque[Future[Encoded]] = deque()
    while True:
        under_way.extend(submit(window) for window in islice(windows, ahead - len(under_way)))
        if not under_way:
            return
        yield _results([under_way.popleft()])[0]


def _results(futures: list[Future[Any]]) -> list[Any]:
    with _death_told():
        return [future.result() for future in futures]


@contextmanager
def _death_told() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise ValueError(
            "an encoding process died, perhaps for want of memory; what is written is safe: go on "
            "with fewer --workers"
        ) from error


def parts_of(engine: Engine) -> tuple[Any, ...]:
    """What an engine can be made of again, on any device."""
    retriever = engine.retriever
    if engine.device.type != "cpu":
        retriever = copy.deepcopy(retriever).cpu()
    return retriever, engine.side, engine.config, engine.quantiser


_encoder: WindowEncoder | None = None
"""Of this process, where it is one of a pool."""


_barrier: Barrier | None = None


def _begin(path: str, devices: Queue[str], threads: int, barrier: Barrier) -> None:
    global _encoder, _barrier
    _barrier = barrier
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    with open(path, "rb") as handle:
        retriever, side, config, quantiser = pickle.load(handle)
    config = replace(config, device=devices.get())
    _encoder = WindowEncoder(Engine(retriever, side, config, quantiser))


def _end_with_parent() -> None:
    """A parent that was killed has told nobody: without it there is nothing to do."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _ready() -> None:
    """Wait until every process of the pool has come here."""
    assert _barrier is not None
    _barrier.wait(timeout=600)


def _encode(window: Window) -> Encoded:
    assert _encoder is not None
    return _encoder(window)
