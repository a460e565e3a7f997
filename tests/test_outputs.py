from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.outputs import require_not_input, require_output_folder, require_own

MARKS = ("a.json", "b/c.json")


def asked(path: Path, overwrite: bool = True, *inputs: Path) -> Path:
    return require_output_folder(path, overwrite, MARKS, "a thing", inputs)


def test_what_is_not_there_or_empty_may_be_written(tmp_path: Path) -> None:
    assert asked(tmp_path / "new", False) == tmp_path / "new"
    (tmp_path / "empty").mkdir()
    assert asked(tmp_path / "empty") == tmp_path / "empty"


def test_a_folder_that_is_there_needs_leave(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="exists already; --overwrite replaces it"):
        asked(tmp_path, False)


@pytest.mark.parametrize("mark", MARKS)
def test_a_folder_of_the_kind_is_replaced_and_no_other(tmp_path: Path, mark: str) -> None:
    folder = tmp_path / "f"
    (folder / "b").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"f is not a thing \(it has no a\.json or b/c\.json\)"):
        asked(folder)
    (folder / mark).write_text("")
    assert asked(folder) == folder
    with pytest.raises(ValueError, match="f is an input"):
        asked(folder, True, tmp_path / "none", folder)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(ValueError, match="f is a file; a folder is needed"):
        asked(tmp_path / "f")
    require_own(tmp_path / "f", MARKS, "a thing")
    require_own(tmp_path / "nowhere", MARKS, "a thing")


def test_an_input_is_known_by_any_name(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    (tmp_path / "link").symlink_to("run")
    with pytest.raises(ValueError, match=r"--json: .*link is an input"):
        require_not_input(tmp_path / "link", [tmp_path / "run"], "--json")
    require_not_input(tmp_path / "new", [tmp_path / "new", "ir_datasets:x"])
