from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from hyper_ir.data.records import Passage
from hyper_ir.encode.crews import CrewConfig, encoded_windows
from hyper_ir.encode.engine import Engine, EngineConfig
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


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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


@pytest.mark.usefixtures("one_thread")
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
        with pytest.raises(ValueError, match=r"an encoding process died.*fewer --workers"):
            list(in_order(all_windows(3), pool.submit, 3))
        assert dying.exception() is not None


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
@pytest.mark.usefixtures("one_thread")
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
