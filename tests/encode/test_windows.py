from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.data.records import Passage
from hyper_ir.encode.crews import CrewConfig, encoded_windows
from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.threads import threads
from hyper_ir.encode.windows import (
    Crew,
    Encoded,
    ProcessPool,
    Window,
    WindowEncoder,
    in_order,
    windows_of,
)
from hyper_ir.models.retriever import Retriever
from tests.tiny_models import TEXTS, save_checkpoint


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = save_checkpoint(tmp_path_factory.mktemp("models") / "bert")
    return Engine(Retriever.from_pretrained(folder), "document", EngineConfig(2, 32, "cpu"))


def all_windows(number: int, size: int = 4) -> Iterator[Window]:
    texts = [TEXTS[place % len(TEXTS)] for place in range(number * size)]
    items = ((Passage(f"d{place}", {"text": text}), text) for place, text in enumerate(texts))
    return windows_of(items, size)


def test_windows_are_read_as_they_are_asked_for() -> None:
    read: list[int] = []

    def items() -> Iterator[Any]:
        for number in range(10):
            read.append(number)
            yield Passage(str(number), {}), ""

    windows = windows_of(items(), 3)
    assert read == []
    assert len(next(windows)) == 3
    assert read == [0, 1, 2]
    assert [len(window) for window in windows] == [3, 3, 1]


@pytest.mark.parametrize("batch_size", [1, 4])
def test_lines_are_the_same_whatever_the_number_of_threads(engine: Engine, batch_size: int) -> None:
    config = EngineConfig(batch_size, 32, "cpu")
    here = WindowEncoder(Engine(engine.retriever, "document", config))
    found = []
    for number in (1, 2, 4):
        with threads(number):
            found.append(list(map(here, all_windows(3, 9))))
    assert found[0] == found[1] == found[2]


def test_processes_give_the_lines_of_this_one_in_order(engine: Engine) -> None:
    here = list(map(WindowEncoder(engine), all_windows(5)))
    with ProcessPool(engine, Crew(("cpu",), 2, 1)) as pool:
        there = list(in_order(all_windows(5), pool.submit, 3))
        again = list(in_order(all_windows(2), pool.submit, 3))
    assert there == here
    assert again == here[:2]
    assert sum(window.counts["documents"] for window in here) == 20


def test_the_models_file_is_gone_when_all_have_read_it(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with ProcessPool(engine, Crew(("cpu",), 1, 1)) as pool:
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
        assert pool.submit(next(all_windows(1))).result().counts["documents"] == 4
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_dies_is_told_and_ends_the_others(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ProcessPool(engine, Crew(("cpu",), 2, 1)) as pool:
        assert pool._pool is not None
        dying = pool._pool.submit(os._exit, 9)
        assert dying.exception() is not None
        with pytest.raises(ValueError, match=r"an encoding process died.*fewer --workers"):
            list(in_order(all_windows(3), pool.submit, 3))


def test_an_interruption_does_not_wait_for_what_is_under_way(engine: Engine) -> None:
    started = time.monotonic()
    pool = ProcessPool(engine, Crew(("cpu",), 1, 1)).__enter__()
    assert pool._pool is not None
    pool._pool.submit(time.sleep, 600)
    processes = pool._processes
    pool.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert time.monotonic() - started < 300
    assert len(processes) == 1
    assert not any(process.is_alive() for process in processes)


KILLED = """
import sys
from pathlib import Path
from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.windows import Crew, ProcessPool
from hyper_ir.models.retriever import Retriever
import time

if __name__ == "__main__":
    retriever = Retriever.from_pretrained(sys.argv[1])
    engine = Engine(retriever, "document", EngineConfig(2, 32, "cpu"))
    with ProcessPool(engine, Crew(("cpu",), 2, 1)) as pool:
        print(*(process.pid for process in pool._processes), flush=True)
        time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_processes_end_with_a_parent_that_was_killed(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "killed.py").write_text(KILLED)
    model = tmp_path / "model"
    engine.retriever.save_pretrained(model)
    command = [sys.executable, str(tmp_path / "killed.py"), str(model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children = [Path("/proc", pid) for pid in parent.stdout.readline().split()]
        assert len(children) == 2
        assert all(child.exists() for child in children)
        parent.kill()
    deadline = time.monotonic() + 60
    while any(is_running(child) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(process: Path) -> bool:
    """Whether a process is there, and no zombie that nobody has reaped."""
    try:
        return "(zombie)" not in (process / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_an_error_in_a_process_is_the_same_error_here(engine: Engine) -> None:
    broken = [(Passage("a", {"text": "x"}), None)]
    with ProcessPool(engine, Crew(("cpu",), 1, 1)) as pool:
        with pytest.raises((TypeError, ValueError)):
            list(in_order(iter([broken]), pool.submit, 2))  # type: ignore[list-item]
        assert pool.submit(next(all_windows(1))).result().counts["documents"] == 4


def test_no_more_windows_are_under_way_than_allowed() -> None:
    under_way, most, count = 0, 0, 0
    lock = threading.Lock()

    def submit(window: Window) -> Future[Encoded]:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        return executor.submit(Encoded, [(str(len(window)), "")], {})

    with ThreadPoolExecutor(4) as executor:
        for encoded in in_order(all_windows(9, 2), submit, 3):
            count += 1
            assert encoded.lines == [("2", "")]
            with lock:
                under_way -= 1
    assert count == 9
    assert most == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_as_many_workers_as_the_user_said(engine: Engine, workers: int) -> None:
    said: list[str] = []
    config = CrewConfig(workers=workers, threads=1)
    found = list(encoded_windows(engine, all_windows(3), 3, config, said.append))
    assert found == list(map(WindowEncoder(engine), all_windows(3)))
    assert said == ([] if workers == 1 else ["encoding in 2 processes of 1 thread"])


def test_bad_crews_are_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match="workers: at least 1, not 0"):
        CrewConfig(workers=0)
    with pytest.raises(ValueError, match="threads: at least 1, not 0"):
        CrewConfig(threads=0)
    with pytest.raises(ValueError, match="cuda:7 is not there"):
        next(encoded_windows(engine, all_windows(1), 1, CrewConfig(devices=("cuda:7",))))
