from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.reproduction.identity import key_of
from hyper_ir.reproduction.store import LARGE, CellFolder, share_files

IDENTITY = {"a": 1}


def folder_in(tmp_path: Path) -> CellFolder:
    folder = CellFolder(tmp_path / "cells", key_of(IDENTITY))
    folder.open(IDENTITY, "a cell")
    return folder


def write(folder: CellFolder, name: str, text: str = "{}") -> Path:
    path = folder.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_what_is_finished_is_known_and_checked(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    assert not folder.has("scores")
    path = write(folder, "scores/a.json", '{"x": 1}')
    assert not folder.has("scores/a.json")
    folder.finish([path.parent])
    assert folder.has("scores")
    assert folder.has("scores/a.json")
    assert not folder.has("score")
    assert folder.read("scores/a.json") == {"x": 1}
    folder.open(IDENTITY, "a cell")

    path.write_text('{"x": 2}')
    with pytest.raises(ValueError, match=r"a\.json is not what was written; remove"):
        folder.check()
    with pytest.raises(ValueError, match="not what was written"):
        folder.read("scores/a.json")
    path.unlink()
    with pytest.raises(ValueError, match="is gone"):
        folder.open(IDENTITY, "a cell")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"identity": {"a": 2}}', "{}"])
def test_a_cell_of_another_identity_is_refused(tmp_path: Path, text: str) -> None:
    folder = folder_in(tmp_path)
    (folder.path / "cell.json").write_text(text)
    with pytest.raises(ValueError, match=r"cell\.json"):
        folder.check()


@pytest.mark.parametrize("text", ["[]", "{", '{"files": 3}', '{"files": {"/etc/hosts": "x"}}'])
def test_broken_contents_are_refused(tmp_path: Path, text: str) -> None:
    folder = folder_in(tmp_path)
    (folder.path / "contents.json").write_text(text)
    with pytest.raises(ValueError, match=r"contents\.json"):
        folder.contents()


def test_what_is_forgotten_is_gone(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    paths = [write(folder, name) for name in ("model/a", "model/b/c", "models")]
    folder.finish(paths)
    folder.forget("model")
    assert list(folder.contents()) == ["models"]
    assert not (folder.path / "model").exists()
    folder.check()


def test_large_files_that_are_equal_are_kept_once(tmp_path: Path) -> None:
    for name, byte in (("one", b"a"), ("two", b"a"), ("three", b"b")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "large").write_bytes(byte * LARGE)
        (folder / "small").write_bytes(byte)
        share_files(folder, tmp_path / "pool")
    assert (tmp_path / "one" / "large").samefile(tmp_path / "two" / "large")
    assert not (tmp_path / "one" / "large").samefile(tmp_path / "three" / "large")
    assert not (tmp_path / "one" / "small").samefile(tmp_path / "two" / "small")
    assert (tmp_path / "two" / "large").read_bytes() == b"a" * LARGE
    assert len(list((tmp_path / "pool").iterdir())) == 2
