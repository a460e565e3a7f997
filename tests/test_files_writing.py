from __future__ import annotations

import errno
import gzip
import json
import os
import stat
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hyper_ir import files


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_a_file_appears_only_when_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / "new" / name
    with files.atomic_text(path) as handle:
        handle.write("line\nzweite Zeile ü\n")
        assert not path.exists()
    opened = gzip.open if name.endswith("gz") else open
    with opened(path, "rt", encoding="utf-8") as handle:
        assert handle.read() == "line\nzweite Zeile ü\n"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def half() -> None:
        with files.atomic_text(path) as handle:
            handle.write("half")
            raise error

    with pytest.raises(error):
        half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"), files.atomic_text(path) as handle:
        handle.write("new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_readable_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with files.atomic_text(tmp_path / "a") as handle:
            handle.write("x")
        with files.atomic_directory(tmp_path / "b"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o755


def test_gzip_bytes_do_not_depend_on_the_clock(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        with files.atomic_text(tmp_path / name) as handle:
            handle.write("same")
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_a_folder_appears_only_when_whole(tmp_path: Path) -> None:
    target = tmp_path / "index"

    def half() -> None:
        with files.atomic_directory(target) as partial:
            (partial / "half").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert not list(tmp_path.iterdir())
    with files.atomic_directory(target) as partial:
        (partial / "whole").write_text("x")
        assert not target.exists()
    assert [path.name for path in target.iterdir()] == ["whole"]
    with pytest.raises(ValueError, match="exists already"), files.atomic_directory(target):
        pytest.fail("the block must not run")
    with files.atomic_directory(target, replace=True) as partial:
        (partial / "other").write_text("x")
    assert [path.name for path in target.iterdir()] == ["other"]


def test_nan_is_never_written_as_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        files.write_json(tmp_path / "a.json", {"score": float("nan")})
    assert not list(tmp_path.iterdir())
    files.write_json(tmp_path / "a.json", {"score": 0.5})
    assert json.loads((tmp_path / "a.json").read_text()) == {"score": 0.5}


def test_what_cannot_be_written_is_told_before_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    inside = tmp_path / "new" / "deeper" / "name"
    assert files.require_writable(inside, "output") == inside
    assert files.require_writable(tmp_path / "file", "output") == tmp_path / "file"
    assert files.require_writable_folder(inside, "vectors") == inside
    assert files.require_writable_folder(tmp_path, "vectors") == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["file"]  # nothing is made
    with pytest.raises(ValueError, match=r"output: .* is a folder; a file is needed"):
        files.require_writable(tmp_path, "output")
    with pytest.raises(ValueError, match=r"vectors: .* is a file; a folder is needed"):
        files.require_writable_folder(tmp_path / "file", "vectors")
    below = tmp_path / "file" / "a" / "b"
    for require in (files.require_writable, files.require_writable_folder):
        with pytest.raises(ValueError, match=r"run: .*b cannot be written: .*file takes no file"):
            require(below, "run")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_folder_without_the_right_to_write_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        for require in (files.require_writable, files.require_writable_folder):
            with pytest.raises(ValueError, match="cannot be written"):
                require(tmp_path / "a" / "b", "run")
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="only Linux has /proc")
def test_a_folder_that_takes_no_file_even_from_root_is_told() -> None:
    for name in ("/proc/out.jsonl", "/proc/self/new/out.jsonl"):
        for require in (files.require_writable, files.require_writable_folder):
            with pytest.raises(ValueError, match=r"run: .* cannot be written: /proc.* \(.+\)"):
                require(name, "run")


def test_a_name_too_long_to_write_aside_is_told(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250)
    with pytest.raises(ValueError, match="cannot be written"):
        files.require_writable(path, "output")
    with pytest.raises(OSError), files.atomic_text(path):  # noqa: PT011
        pytest.fail("nothing can be written here")
    assert list(tmp_path.iterdir()) == []


def test_roles_are_named_when_a_path_is_of_the_wrong_kind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert files.require_file(tmp_path / "file", "topics") == tmp_path / "file"
    assert files.require_directory(tmp_path, "index") == tmp_path
    with pytest.raises(ValueError, match=r"topics: .* is a folder"):
        files.require_file(tmp_path, "topics")
    with pytest.raises(ValueError, match=r"index: .* is a file"):
        files.require_directory(tmp_path / "file", "index")
    for require in (files.require_file, files.require_directory):
        with pytest.raises(ValueError, match=r"run: .* does not exist"):
            require(tmp_path / "nothing", "run")


@pytest.mark.skipif(os.name == "nt", reason="rights are POSIX's")
@pytest.mark.parametrize(("mask", "rights"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_files_of_a_folder_are_as_readable_as_others(
    tmp_path: Path, mask: int, rights: int
) -> None:
    before = os.umask(mask)
    try:
        with files.atomic_directory(tmp_path / "model") as folder:
            (folder / "document").mkdir()
            save_file({"weight": torch.zeros(2)}, folder / "document" / "model.safetensors")
            private = folder / "private"
            private.touch(0o600)
    finally:
        os.umask(before)
    made = [path for path in (tmp_path / "model").rglob("*") if path.is_file()]
    assert len(made) == 2
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [rights, rights]
