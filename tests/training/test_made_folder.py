from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.training.made_folder import SETTINGS, is_made, read_settings, write_settings


def test_it_is_made_when_it_was_made_of_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "store"
    assert not is_made(folder, "tokens", {"a": 1})
    folder.mkdir()
    assert not is_made(folder, "tokens", {"a": 1})  # an empty folder is free
    write_settings(folder, "tokens", {"a": 1, "b": (1, 2)}, {"passages": 3})
    assert is_made(folder, "tokens", {"a": 1, "b": [1, 2]})
    assert capsys.readouterr().err == ""
    assert not is_made(folder, "tokens", {"a": 2, "c": 3, "b": [1, 2]})
    assert capsys.readouterr().err == (
        f"notice: {folder} was made with another a and c; it is made anew\n"
    )


def test_anything_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match="not a folder of tokens"):
        is_made(tmp_path, "tokens", {})
    write_settings(tmp_path, "vectors", {}, {})
    with pytest.raises(ValueError, match="not a folder of tokens"):
        is_made(tmp_path, "tokens", {})
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ValueError, match="file"):
        is_made(file, "tokens", {})


@pytest.mark.parametrize("content", ["", "[]", '{"kind": "tokens"}', "\x00", "[" * 10_000])
def test_settings_that_are_broken_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / SETTINGS).write_text(content)
    with pytest.raises(ValueError, match=r"store\.json|not a folder of tokens"):
        read_settings(tmp_path, "tokens")
