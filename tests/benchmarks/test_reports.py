from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import reports


def test_json_and_markdown_are_written_whole(tmp_path: Path) -> None:
    table = reports.table(["model", "texts/s"], [["minilm", "12.5"]])
    text = reports.write(tmp_path / "results", "speed", {"seconds": [0.5]}, [table, "A machine."])
    assert json.loads((tmp_path / "results/speed.json").read_text()) == {"seconds": [0.5]}
    assert (tmp_path / "results/speed.md").read_text() == text
    assert text == "| model | texts/s |\n| --- | ---: |\n| minilm | 12.5 |\n\nA machine.\n"


def test_results_that_json_cannot_hold_leave_the_old_ones(tmp_path: Path) -> None:
    reports.write(tmp_path, "speed", {"seconds": [0.5]}, ["old"])
    with pytest.raises(ValueError, match="not JSON compliant"):
        reports.write(tmp_path, "speed", {"seconds": [float("nan")]}, ["new"])
    assert json.loads((tmp_path / "speed.json").read_text()) == {"seconds": [0.5]}
    assert (tmp_path / "speed.md").read_text() == "old\n"
    assert {path.name for path in tmp_path.iterdir()} == {"speed.json", "speed.md"}


def test_a_crooked_table_is_refused() -> None:
    with pytest.raises(ValueError, match="a table of 2 columns"):
        reports.table(["model", "texts/s"], [["minilm"]])


def test_an_output_that_takes_no_file_is_found_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="a folder is needed"):
        reports.check_output(tmp_path / "file")
