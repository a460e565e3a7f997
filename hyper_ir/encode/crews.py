"""How many processes encode, and with how many threads: measured at the start, on real work."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch

from hyper_ir.encode.engine import Engine, choose_device
from hyper_ir.encode.threads import threads
from hyper_ir.encode.windows import (
    Crew,
    Encoded,
    ProcessPool,
    Window,
    WindowEncoder,
    in_order,
)

WORTH_SECONDS = 30.0
"""Processes take some seconds to start: with less work than this left, none are started."""

PROCESSES_A_GPU = 3
"""One computes while the others tokenise and write."""


@dataclass(frozen=True)
class CrewConfig:
    """What the user fixed of the crew.

    Attributes
    ----------
    workers: processes, each with the model; 1 is this process alone; None measures.
    threads: of each process on a CPU; None shares the cores out.
    devices: where to encode, several GPUs for example; empty for the engine's own device.
    """

    workers: int | None = None
    threads: int | None = None
    devices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value in (("workers", self.workers), ("threads", self.threads)):
            if value is not None and value < 1:
                raise ValueError(f"{name}: at least 1, not {value}")


def encoded_windows(
    engine: Engine,
    windows: Iterator[Window],
    expected: int,
    config: CrewConfig,
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[Encoded]:
    """Encode windows, in their order, with the crew that the user or a measurement chose.

    Parameters
    ----------
    expected: how many windows there will be.
    say: told which crew was chosen, and why.

    Raises ValueError for a device that is not there.
    """
    devices = tuple(str(choose_device(name)) for name in config.devices) or (str(engine.device),)
    cores = torch.get_num_threads()
    gpus = len(devices) if engine.device.type == "cuda" or len(devices) > 1 else 0
    if config.workers is None and not gpus:
        each = config.threads or 1
        most = max(1, min(cores // each, _processes_in_memory(engine)))
        crew = Crew(devices, most, each if most > 1 else config.threads or cores)
        yield from _measured(engine, windows, expected, crew, say)
        return
    workers = config.workers or max(gpus, min(PROCESSES_A_GPU * gpus, cores, expected))
    crew = Crew(devices, workers, config.threads or max(1, cores // workers))
    if workers == 1:
        with threads(crew.threads):
            yield from map(WindowEncoder(engine), windows)
        return
    say(f"encoding in {crew}")
    with ProcessPool(engine, crew) as pool:
        yield from in_order(windows, pool.submit, workers + 1)


def _measured(
    engine: Engine, windows: Iterator[Window], expected: int, crew: Crew, say: Callable[[str], None]
) -> Iterator[Encoded]:
    """The first windows here, the next in processes; the rest where it went faster."""
    here = WindowEncoder(engine)
    with threads(crew.threads if crew.processes == 1 else torch.get_num_threads()):
        if crew.processes == 1:
            yield from map(here, windows)
            return
        yield from map(here, islice(windows, 1))  # warms up
        pace = Pace()
        yield from pace.over(map(here, islice(windows, 1)))
        if pace.seconds * (expected - 2) < WORTH_SECONDS:
            yield from map(here, windows)
            return
        together = Pace()
        with ProcessPool(engine, crew) as pool:
            trial = islice(windows, 2 * crew.processes)
            yield from together.over(in_order(trial, pool.submit, crew.processes + 1))
            ratio = together.rate / pace.rate
            if ratio >= 1:
                say(f"encoding in {crew}: {ratio:.2f} times the pace of one process")
                yield from in_order(windows, pool.submit, crew.processes + 1)
                return
        say(f"encoding in one process: {crew} have {ratio:.2f} times its pace")
        yield from map(here, windows)


class Pace:
    """How fast windows come.

    Attributes
    ----------
    seconds: how long they took.
    size: characters of their lines, vectors included: what a window's work grows with.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.size = 0

    @property
    def rate(self) -> float:
        """Characters a second."""
        return self.size / max(self.seconds, 1e-9)

    def over(self, encoded: Iterator[Encoded]) -> Iterator[Encoded]:
        """Hand on what comes, and take the time until it comes."""
        start = time.perf_counter()
        for window in encoded:
            self.seconds += time.perf_counter() - start
            self.size += sum(len(line) for _, line in window.lines)
            yield window
            start = time.perf_counter()


def _processes_in_memory(engine: Engine) -> int:
    """How many copies of the model, with room to work, fit into half the free memory."""
    weights = sum(weight.numel() * weight.element_size() for weight in engine.tower.parameters())
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 1
    return max(1, int(free / 2 / (3 * weights + 2**29)))
