from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.reproduction.cost_config import CostConfig
from hyper_ir.reproduction.dry_run import dry_run
from hyper_ir.reproduction.grid import Grid, SideConfig, SweepConfig
from hyper_ir.reproduction.reproduction import Reproduction
from hyper_ir.reproduction.store import CellFolder
from tests.reproduction.small_grid import worked_off, write_grid


def printed(grid: Grid, capsys: pytest.CaptureFixture[str], *only: str) -> str:
    capsys.readouterr()
    assert dry_run(Reproduction(grid, only)) == []
    return capsys.readouterr().out


def test_a_dry_run_tells_which_cells_a_new_test_trains_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path, parts=["main", "ablations"])
    smaller = replace(grid, data=replace(grid.data, zero_shot={}, without_query=[]))
    cells = ["splade-HypeR", "splade-HypeR-uniform"]
    worked_off(smaller, *cells)
    capsys.readouterr()
    assert dry_run(Reproduction(grid, cells)) == []
    lines = capsys.readouterr().out.splitlines()
    kept = next(line for line in lines if "splade-HypeR@1" in line)
    gone = next(line for line in lines if "splade-HypeR-uniform@1" in line)
    assert "1 test left " in kept
    assert "1 test left, trained again" in gone


def test_a_new_test_of_a_model_that_stayed_is_no_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path)
    smaller = replace(grid, data=replace(grid.data, zero_shot={}, without_query=[]))
    worked_off(smaller, "splade-HypeR")
    told = printed(grid, capsys, "splade-HypeR")
    assert "1 test left " in told
    assert "0 training runs left, 0 steps" in told
    assert "1 training run left, 4 steps" in printed(grid, capsys, "splade-HypeR", "splade-MT")


def test_an_output_that_cannot_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    grid = write_grid(tmp_path, output=str(tmp_path / "file" / "grid"))
    (told,) = dry_run(Reproduction(grid, ["splade-MT"]))
    assert told.startswith("output: ")
    assert told in capsys.readouterr().out


def test_equal_cells_are_counted_once_before_anything_is_mined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path, parts=["main", "prompts"])
    start = Reproduction(grid).recipes["splade"].prompts
    assert start is not None
    count = start.resolved().prompts
    grid = replace(grid, sweep=SweepConfig([count, count + 1], [0.1], [3], ["kmeans"]))
    cells = ["splade-HypeR", f"splade-HypeR/N={count}", f"splade-HypeR/N={count + 1}"]
    known = printed(grid, capsys, *cells)
    mined = printed(replace(grid, data=replace(grid.data, examples=[])), capsys, *cells)
    for told in (known, mined):
        assert "2 training runs left, 8 steps" in told
        assert "the same as above" in told


def test_vectors_that_are_there_are_not_reckoned_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path, cost=CostConfig(passages=1000, seconds_per_passage=1.0))
    before = printed(grid, capsys, "splade-HypeR", "splade-MT")
    assert re.search("cells, 17 min for what they share", before)
    worked_off(grid, "splade-HypeR")
    assert "cells, 0 s for what they share" in printed(grid, capsys, "splade-HypeR", "splade-MT")


def test_steps_of_epochs_are_counted_from_the_examples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path)
    settings = {"optimiser.max_steps": None, "optimiser.epochs": 3}
    side = SideConfig(grid.splade.model, grid.splade.recipe, settings)
    examples = len(Path(grid.data.examples[0]).read_text().splitlines())
    told = printed(replace(grid, splade=side), capsys, "splade-MT")
    assert f"1 training run left, {-(-3 * examples // 4)} steps" in told
    mined = replace(grid, splade=side, data=replace(grid.data, examples=[]))
    assert "not counted: steps of cells that count in epochs" in printed(mined, capsys, "splade-MT")


def test_damaged_cells_are_told_once_and_fail_the_dry_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path)
    work = worked_off(grid, "splade-HypeR", "splade-MT")
    folders = [
        CellFolder(work.root / "cells", work.keys(work.cells)[cell.name]) for cell in work.cells
    ]
    (folders[0].path / "contents.json").write_text("{")
    score = folders[1].path / "scores" / "beir.json"
    score.write_text(score.read_text().replace("1", "2"))
    capsys.readouterr()
    wrong = dry_run(work)
    assert [path for path in wrong if "contents.json" in path]
    assert [path for path in wrong if "beir.json" in path]
    told = capsys.readouterr()
    assert told.err.count("contents.json") == 1
    row = next(line for line in told.out.splitlines() if work.cells[0].name in line)
    assert "damaged" in row
