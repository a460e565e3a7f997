from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
import torch

from hyper_ir.encode import crews
from hyper_ir.encode.crews import CrewConfig, Pace, encoded_windows
from hyper_ir.encode.windows import Crew, Encoded, Window


class Clock:
    """Time that passes only by encoding: so many seconds a window, here and in processes."""

    def __init__(self, here: float, there: float) -> None:
        self.now = 0.0
        self.here, self.there = here, there
        self.log: list[str] = []


class FakeEngine:
    device = torch.device("cpu")
    tower = torch.nn.Linear(2, 2)


def crew_of(monkeypatch: pytest.MonkeyPatch, clock: Clock, cores: int = 2) -> None:
    """Encoding that takes the clock's time instead of doing anything."""

    def encode(seconds: float, who: str, window: Window) -> Encoded:
        clock.now += seconds
        clock.log.append(who)
        return Encoded([(window[0][0].id, "x" * 10)], {})

    class Pool:
        def __init__(self, engine: Any, crew: Crew) -> None:
            self.crew = crew

        def __enter__(self) -> Pool:
            clock.log.append("start")
            return self

        def __exit__(self, *_: object) -> None:
            clock.log.append("end")

        def submit(self, window: Window) -> Future[Encoded]:
            future: Future[Encoded] = Future()
            future.set_result(encode(clock.there, "there", window))
            return future

    monkeypatch.setattr(crews, "ProcessPool", Pool)
    monkeypatch.setattr(
        crews, "WindowEncoder", lambda engine: lambda window: encode(clock.here, "here", window)
    )
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    monkeypatch.setattr(torch, "get_num_threads", lambda: cores)
    monkeypatch.setattr(torch, "set_num_threads", lambda number: None)
    monkeypatch.setattr(crews, "_processes_in_memory", lambda engine: 64)


def windows(number: int) -> Iterator[Any]:
    from hyper_ir.data.records import Passage

    return iter([[(Passage(str(place), {}), "")] for place in range(number)])


def run(number: int, said: list[str], **config: Any) -> list[str]:
    engine: Any = FakeEngine()
    found = list(
        encoded_windows(engine, windows(number), number, CrewConfig(**config), said.append)
    )
    return [encoded.lines[0][0] for encoded in found]


@pytest.mark.parametrize(("there", "chosen"), [(5.0, "there"), (12.0, "here")])
def test_the_rest_is_encoded_where_it_went_faster(
    monkeypatch: pytest.MonkeyPatch, there: float, chosen: str
) -> None:
    clock, said = Clock(10.0, there), list[str]()
    crew_of(monkeypatch, clock)
    assert run(20, said) == [str(number) for number in range(20)]
    assert clock.log[:3] == ["here", "here", "start"]
    assert clock.log[-2:] == (["there", "end"] if chosen == "there" else ["here", "here"])
    assert clock.log.count(chosen) >= 13
    assert f"{10 / there:.2f} times" in said[0]


def test_little_work_starts_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, said = Clock(1.0, 0.1), list[str]()
    crew_of(monkeypatch, clock)
    assert len(run(20, said)) == 20
    assert clock.log == ["here"] * 20
    assert said == []


def test_one_core_starts_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(10.0, 0.1)
    crew_of(monkeypatch, clock, cores=1)
    assert len(run(9, [])) == 9
    assert clock.log == ["here"] * 9


def test_threads_share_the_cores_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, said = Clock(10.0, 1.0), list[str]()
    crew_of(monkeypatch, clock, cores=16)
    run(60, said, threads=4)
    assert said[0].startswith("encoding in 4 processes of 4 threads: 10.00 times")


def test_a_machine_with_little_memory_gets_fewer_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, said = Clock(10.0, 1.0), list[str]()
    crew_of(monkeypatch, clock, cores=16)
    monkeypatch.setattr(crews, "_processes_in_memory", lambda engine: 3)
    run(60, said)
    assert said[0].startswith("encoding in 3 processes of 1 thread")


def test_memory_is_counted_in_models() -> None:
    engine: Any = FakeEngine()
    assert crews._processes_in_memory(engine) >= 1
    FakeEngine.tower = torch.nn.Linear(2**20, 2**20, device="meta")
    try:
        assert crews._processes_in_memory(engine) == 1
    finally:
        FakeEngine.tower = torch.nn.Linear(2, 2)


def test_pace_is_characters_a_second_and_waiting_alone_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(0, 0)
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)

    def encoded() -> Iterator[Encoded]:
        for _ in range(3):
            clock.now += 2
            yield Encoded([("a", "xyz"), ("b", "x")], {})

    pace = Pace()
    for _ in pace.over(encoded()):
        clock.now += 100  # what the caller does with it
    assert (pace.seconds, pace.size) == (6, 12)
    assert pace.rate == pytest.approx(2)
