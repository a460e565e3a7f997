from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hyper_ir.files import atomic_directory, atomic_file, atomic_text, write_json
from hyper_ir.locking import hold, partial_folder, sole_writer

HOLDER = """
import sys
from hyper_ir.locking import sole_writer
with sole_writer(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """A process that holds a path until its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_one_process_writes_and_leaves_nothing(tmp_path: Path) -> None:
    process = holder(tmp_path / "a")
    with (
        pytest.raises(ValueError, match=r"a: another process is writing it"),
        sole_writer(tmp_path / "a"),
    ):
        pytest.fail("it is held")
    with sole_writer(tmp_path / "b"):
        pass
    process.communicate("")
    with sole_writer(tmp_path / "a"):
        assert [path.name for path in tmp_path.iterdir()] == [".a.lock"]
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    process = holder(tmp_path / "a")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert [path.name for path in tmp_path.iterdir()] == [".a.lock"]
    with sole_writer(tmp_path / "a"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_does_not_hold_on(tmp_path: Path) -> None:
    leave, stay = os.pipe()
    with sole_writer(tmp_path / "a"):
        child = os.fork()
        if child == 0:
            os.close(stay)
            os.read(leave, 1)
            os._exit(0)
    try:
        with sole_writer(tmp_path / "a"):
            pass
    finally:
        os.close(stay)
        os.waitpid(child, 0)
        os.close(leave)


def test_many_that_wait_write_one_after_the_other(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work(number: int) -> None:
        nonlocal inside, most
        with sole_writer(tmp_path / "a", wait=True):
            inside += 1
            most = max(most, inside)
            write_json(tmp_path / "b", number)
            inside -= 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_what_is_being_written_is_refused(tmp_path: Path) -> None:
    with (
        atomic_text(tmp_path / "a") as first,
        pytest.raises(ValueError, match="another process is writing it"),
        atomic_text(tmp_path / "a", wait=False),
    ):
        first.write("x")
    with (
        atomic_directory(tmp_path / "d"),
        pytest.raises(ValueError, match="another process is writing it"),
        atomic_directory(tmp_path / "d"),
    ):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "d"]


def test_a_name_that_was_given_away_is_not_held(tmp_path: Path) -> None:
    """Between opening and locking, its holder may have renamed the file: it is the result now."""
    place, named = tmp_path / ".a.partial", tmp_path / "a"
    first = hold(place, named)
    os.write(first, b"whole")
    waiting = threading.Thread(target=lambda: os.close(hold(place, named, wait=True)))
    waiting.start()
    os.replace(place, named)
    os.close(first)
    waiting.join()
    assert named.read_bytes() == b"whole"
    assert place.read_bytes() == b""


def test_what_a_killed_process_left_is_not_in_the_result(tmp_path: Path) -> None:
    (tmp_path / ".a.partial").write_text("half of another, and longer")
    with atomic_file(tmp_path / "a") as handle:
        handle.write(b"whole")
    assert (tmp_path / "a").read_bytes() == b"whole"
    (tmp_path / ".d.partial" / "deep").mkdir(parents=True)
    (tmp_path / ".d.before.partial").mkdir()
    with atomic_directory(tmp_path / "d") as folder:
        (folder / "x").touch()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "d", "x"]


def test_what_stands_beside_is_there_first_and_the_old_file_stays_on_errors(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def beside() -> None:
        assert path.read_text() == "old"
        (tmp_path / "beside").touch()

    def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), atomic_text(path, fails) as handle:
        handle.write("new")
    assert path.read_text() == "old"
    with atomic_text(path, beside) as handle:
        handle.write("new")
    assert path.read_text() == "new"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "beside"]


def test_a_partial_folder_that_was_renamed_is_not_removed(tmp_path: Path) -> None:
    with partial_folder(tmp_path / "p", tmp_path / "d") as folder:
        (folder / "x").touch()
        os.replace(folder, tmp_path / "d")
        (tmp_path / "p").mkdir()  # of the next process
    assert (tmp_path / "d" / "x").exists()
    assert (tmp_path / "p").exists()
