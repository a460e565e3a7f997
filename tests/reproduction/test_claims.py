from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hyper_ir.reproduction.claims import Claims, is_alive, machine


def age(folder: Path, name: str, seconds: float) -> None:
    path = folder / f"{name}.claim"
    touched = path.stat().st_mtime - seconds
    os.utime(path, (touched, touched))


def alter(folder: Path, name: str, **changes: object) -> None:
    path = folder / f"{name}.claim"
    stat = path.stat()
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    os.utime(path, (stat.st_atime, stat.st_mtime))


def finished_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_one_holds_a_claim_until_it_lets_go(tmp_path: Path) -> None:
    claims, others = Claims(tmp_path), Claims(tmp_path)
    with claims.held("a") as mine:
        assert mine
        assert "process" in str(others.holder("a"))
        with others.held("a") as theirs:
            assert not theirs
        with others.held("b") as theirs:
            assert theirs
    assert others.holder("a") is None
    with others.held("a") as theirs:
        assert theirs
    assert not list(tmp_path.glob("*.claim"))


def test_an_error_lets_go(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    with pytest.raises(KeyError), claims.held("a"):
        raise KeyError
    assert claims.holder("a") is None


def test_a_claim_of_a_process_that_is_gone_is_taken_over(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    with claims.held("a"):
        alter(tmp_path, "a", process=finished_process())
        with Claims(tmp_path).held("a") as mine:
            assert mine
            token = json.loads((tmp_path / "a.claim").read_text())["token"]
            with Claims(tmp_path).held("a") as third:
                assert not third
        assert token
    assert not (tmp_path / "a.claim").exists()


def test_another_machine_s_claim_counts_while_it_is_touched(tmp_path: Path) -> None:
    claims = Claims(tmp_path, stale=100)
    with claims.held("a"):
        alter(tmp_path, "a", machine="another", process=finished_process())
        age(tmp_path, "a", 50)
        with Claims(tmp_path, stale=100).held("a") as mine:
            assert not mine
        age(tmp_path, "a", 200)
        with Claims(tmp_path, stale=100).held("a") as mine:
            assert mine


def test_who_lost_a_claim_does_not_remove_its_successor_s(tmp_path: Path) -> None:
    first, second = Claims(tmp_path, stale=100), Claims(tmp_path, stale=100)
    with second_held(first, second, tmp_path):
        assert second.holder("a") is not None


class second_held:  # noqa: N801 - reads as a function
    """The second claim, taken while the first thinks that it holds it, then let go by the first."""

    def __init__(self, first: Claims, second: Claims, folder: Path) -> None:
        self.first, self.second, self.folder = first, second, folder

    def __enter__(self) -> None:
        outer = self.first.held("a")
        outer.__enter__()
        alter(self.folder, "a", machine="another")
        age(self.folder, "a", 200)
        self.inner = self.second.held("a")
        assert self.inner.__enter__()
        outer.__exit__(None, None, None)

    def __exit__(self, *_: object) -> None:
        self.inner.__exit__(None, None, None)


def test_who_lost_a_claim_is_told(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    with claims.held("a"):
        claims.require_mine("a")
        alter(tmp_path, "a", machine="another")
        with pytest.raises(ValueError, match="took this over"):
            claims.require_mine("a")


def test_a_live_holder_gives_signs_of_life(tmp_path: Path) -> None:
    claims = Claims(tmp_path, heartbeat=0.01)
    with claims.held("a"):
        age(tmp_path, "a", 1000)
        path = tmp_path / "a.claim"
        before = path.stat().st_mtime
        over = threading.Event()
        for _ in range(500):
            if path.stat().st_mtime > before:
                break
            over.wait(0.01)
        assert path.stat().st_mtime > before


def test_waiting_ends_when_the_other_lets_go(tmp_path: Path) -> None:
    claims = Claims(tmp_path, poll=0.005)
    seen: list[str] = []
    holds, go = threading.Event(), threading.Event()

    def hold() -> None:
        with Claims(tmp_path).held("a"):
            holds.set()
            go.wait(10)
            seen.append("let go")

    other = threading.Thread(target=hold)
    other.start()
    assert holds.wait(10)
    go.set()
    with claims.awaited("a"):
        seen.append("mine")
    other.join()
    assert seen == ["let go", "mine"]


def test_many_that_want_one_get_it_one_at_a_time(tmp_path: Path) -> None:
    inside, most, turns = 0, 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal inside, most, turns
        with Claims(tmp_path, poll=0.001).awaited("a"):
            with lock:
                inside += 1
                most = max(most, inside)
            with lock:
                inside -= 1
                turns += 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, turns) == (1, 8)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"machine": 3, "process": "x"}'])
def test_a_broken_claim_is_another_s_until_it_is_old(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.claim").write_text(text)
    with Claims(tmp_path, stale=100).held("a") as mine:
        assert not mine
    age(tmp_path, "a", 200)
    with Claims(tmp_path, stale=100).held("a") as mine:
        assert mine


def test_processes_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_alive(os.getpid())
    assert not is_alive(finished_process())
    assert not any(map(is_alive, (None, 0, -1, "7")))
    assert machine() == machine()

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert is_alive(1)
