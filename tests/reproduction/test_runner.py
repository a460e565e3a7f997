from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.reproduction import runner, training
from hyper_ir.reproduction.grid import CORPUS, PARTS, SideConfig
from hyper_ir.reproduction.reproduction import Reproduction
from hyper_ir.reproduction.store import CellFolder
from hyper_ir.reproduction.training import train_cell
from tests.reproduction.small_grid import dense_side, worked_off, write_grid


def cell_folder(work: Reproduction, name: str) -> CellFolder:
    return CellFolder(work.root / "cells", work.keys(work.all_cells)[name])


SOME = ["zero", "main", "few-shot", "prompts"]
ALL = [part for part in PARTS if part != "bm25"]


@pytest.mark.parametrize("parts", [SOME, pytest.param(ALL, marks=pytest.mark.slow)])
def test_a_grid_is_worked_off_and_nothing_is_trained_twice(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    parts: list[str],
) -> None:
    grid = write_grid(tmp_path, parts=parts, steps=2)
    grid = replace(grid, few_shot=replace(grid.few_shot, tasks=["long"]))
    trained: list[str] = []

    def counting(cell, folder, *more):  # type: ignore[no-untyped-def]
        trained.append(folder.key)
        train_cell(cell, folder, *more)

    monkeypatch.setattr(runner, "train_cell", counting)
    work = worked_off(grid)
    keys = {cell.name: work.keys([cell])[cell.name] for cell in work.cells if cell.trained}
    assert sorted(trained) == sorted(set(keys.values()))
    # The sweeps go through the main row's own setting, which was trained already.
    sweeps = {"prompts": "N=4", "cpr": "cpr=0.1", "length": "m=3", "initialisation": "start=kmeans"}
    for part in set(sweeps) & set(parts):
        assert keys[f"splade-HypeR/{sweeps[part]}@1"] == keys["splade-HypeR@1"]
    assert keys["splade-HypeR/N=2@1"] != keys["splade-HypeR@1"]

    worked_off(grid)
    assert len(trained) == len(set(trained))
    tables, results = work.tables()
    assert results.damaged == []
    wanted = {"table1", "table4", "table5", "prompts-tasks"}
    assert set(tables) >= wanted | ({"table3"} if "ablations" in parts else set())
    assert {row.name for row in tables["table4"].layout.rows} >= {"2 SPLADE-HypeR"}
    assert work.print_tables() == []
    printed = capsys.readouterr().out
    assert "Table 4: few examples" in printed
    assert (work.root / "tables" / "tables.md").is_file()
    found = json.loads((work.root / "tables" / "tables.json").read_text())["findings"]
    assert found["HypeR over MT"]["of"] == 2
    assert found["attention"]["splade-HypeR@1"]["prompts"] == 4
    assert found["seconds"]["splade-HypeR@1"]["train"] > 0


def test_a_table_of_one_row_stands_only_where_there_is_no_other(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    assert set(worked_off(grid, "splade-HypeR").tables()[0]) >= {"table1", "table3"}
    tables = set(worked_off(grid, "splade-MT").tables()[0])
    assert "table1" in tables
    assert "table3" not in tables  # of ablations, of which there is none yet


def test_dense_vectors_are_searched_and_compared_with_their_own_hyper(tmp_path: Path) -> None:
    grid = write_grid(tmp_path, parts=["zero", "main"])
    grid = replace(grid, splade=SideConfig(), dpr=dense_side(tmp_path))
    work = worked_off(grid)
    table = work.tables()[0]["table1"]
    assert set(table.figures["multi-task DPR-HypeR"]) == {"long", "short", "average"}
    assert {each.reference for each in table.comparisons} == {"multi-task DPR-HypeR"}


def test_models_that_nothing_needs_do_not_stay(tmp_path: Path) -> None:
    grid = write_grid(tmp_path, parts=["main", "few-shot", "leave-one-out", "ablations"])
    work = worked_off(grid, "splade-HypeR", "splade-HypeR-uniform", "splade-MT/2-of-long")
    kept = {cell.name: cell_folder(work, cell.name).model.is_dir() for cell in work.cells}
    assert kept["splade-HypeR@1"]
    assert kept["splade-MT/without-long@1"]
    assert not kept["splade-HypeR-uniform@1"]
    assert not kept["splade-MT/2-of-long@1"]
    for cell in work.cells:
        folder = cell_folder(work, cell.name)
        folder.check()
        assert not folder.work.exists()
        assert folder.has("recipe.json")


def test_documents_that_are_trained_are_encoded_by_each_cell(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    grid = replace(grid, splade=replace(grid.splade, settings={"freeze": "none"}))
    work = worked_off(grid, "splade-MT*")
    folder = cell_folder(work, "splade-MT@1")
    assert len(folder.read("scores/long.json")["values"]["KILTRprec"]) == 6
    assert not folder.scratch.exists()
    assert not list((work.root / "prepared").glob(f"*{CORPUS}*"))


def test_a_cell_that_fails_is_told_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path, parts=["main", "prompts"])
    train = Path(grid.data.examples[0])
    whole = train.read_text()
    work = Reproduction(grid)
    keys = work.keys(work.cells)
    broken = CellFolder(work.root / "cells", keys["splade-MT@1"])
    broken.path.mkdir(parents=True)
    (broken.path / "training").write_text("a file where a folder is needed")
    outcome = work.run()
    assert list(outcome.failed) == ["splade-MT@1"]
    assert {"splade-HypeR@1", "splade-prefix@1", "splade-HypeR/N=2@1"} <= set(outcome.done)
    assert "splade-MT@1: failed" in capsys.readouterr().err
    written = json.loads((work.root / "failures" / f"{broken.key}.json").read_text())
    assert "Traceback" in written["traceback"]

    (broken.path / "training").unlink()
    assert Reproduction(grid).run().failed == {}
    assert not (work.root / "failures" / f"{broken.key}.json").exists()
    assert train.read_text() == whole


def test_what_goes_on_from_a_failed_cell_fails_with_its_name(tmp_path: Path) -> None:
    grid = write_grid(tmp_path, parts=["few-shot"])
    work = Reproduction(grid, ["splade-MT/2-of-long"])
    start, follower = work.cells
    key = work.keys([start])[start.name]
    place = work.root / "cells" / key
    place.mkdir(parents=True)
    (place / "training").write_text("")
    outcome = work.run()
    assert set(outcome.failed) == {start.name, follower.name}
    assert start.name in outcome.failed[follower.name]


def test_a_damaged_cell_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = write_grid(tmp_path)
    work = worked_off(grid, "splade-MT*")
    folder = cell_folder(work, "splade-MT@1")
    path = folder.path / "scores" / "long.json"
    text = path.read_text()
    path.write_text(text.replace('"mean"', '"Mean"'))
    outcome = Reproduction(grid, ["splade-MT*"]).run()
    assert "is not what was written" in outcome.failed["splade-MT@1"]
    assert str(path) in outcome.failed["splade-MT@1"]
    tables, results = work.tables()
    assert len(results.damaged) == 1
    assert "long" not in tables["table1"].figures["multi-task SPLADE-MT"]
    assert "short" in tables["table1"].figures["multi-task SPLADE-MT"]
    assert "warning" in capsys.readouterr().err

    path.write_text(text)
    (folder.path / "cell.json").write_text('{"identity": {"another": "cell"}}')
    assert "identity" in Reproduction(grid, ["splade-MT*"]).run().failed["splade-MT@1"]
    tables, results = work.tables()
    assert len(results.damaged) == 1
    assert not any(each.figures["multi-task SPLADE-MT"] for each in tables.values())

    (folder.path / "cell.json").unlink()
    assert "cell.json" in Reproduction(grid, ["splade-MT*"]).run().failed["splade-MT@1"]
    assert len(work.tables()[1].damaged) == 1


def test_a_cell_is_carried_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = write_grid(tmp_path)
    worked_off(grid, "splade-HypeR")
    elsewhere = replace(grid, output=str(tmp_path / "elsewhere"))
    shutil.copytree(tmp_path / "grid" / "cells", tmp_path / "elsewhere" / "cells")
    monkeypatch.setattr(runner, "train_cell", None)
    work = worked_off(elsewhere, "splade-HypeR")
    assert set(work.tables()[0]["table1"].figures["multi-task SPLADE-HypeR"]) >= {"long", "short"}


def test_a_new_test_is_added_to_cells_that_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = write_grid(tmp_path)
    smaller = replace(grid, data=replace(grid.data, zero_shot={}, without_query=[]))
    worked_off(smaller, "splade-HypeR")
    monkeypatch.setattr(runner, "train_cell", None)
    work = worked_off(grid, "splade-HypeR")
    values = cell_folder(work, "splade-HypeR@1").read("scores/beir.json")["values"]["nDCG@10"]
    assert len(values) == 5


def test_other_queries_are_scored_anew_and_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = write_grid(tmp_path)
    folder = cell_folder(worked_off(grid, "splade-HypeR"), "splade-HypeR@1")
    before = folder.read("attention.json")
    monkeypatch.setattr(runner, "train_cell", None)
    fewer = replace(grid, queries=2)
    assert "table1" not in Reproduction(fewer).tables()[0]  # other queries are no figures of these
    worked_off(fewer, "splade-HypeR")
    assert "table1" not in Reproduction(grid).tables()[0]
    assert "table1" in Reproduction(fewer).tables()[0]
    assert len(folder.read("scores/long.json")["values"]["KILTRprec"]) == 2
    assert folder.read("attention.json") != before
    # Killed while scores are made anew, a cell is not damaged: the old ones are forgotten first.
    path = folder.path / "scores" / "long.json"
    folder.forget("scores/long.json")
    path.write_text("half")
    worked_off(grid, "splade-HypeR")
    assert len(folder.read("scores/long.json")["values"]["KILTRprec"]) == 6


def test_cells_share_their_teachers_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = write_grid(tmp_path, steps=2)
    dense = dense_side(tmp_path).model
    taught = {"teacher.model": dense, "teacher.head": "dense", "teacher.dense_pooling": "mean"}
    shared = replace(grid, splade=replace(grid.splade, settings=taught))
    worked_off(shared, "splade-HypeR@1", "splade-MT@1")
    made = [path.name.rpartition("-")[0] for path in (tmp_path / "grid/prepared").iterdir()]
    assert made.count("teacher-corpus") == made.count("teacher-corpus-store") == 1

    # A run that prepares its documents itself comes to the same weights.
    monkeypatch.setattr(training, "lend_documents", lambda *_: None)
    own = replace(shared, output=str(tmp_path / "own"))
    assert weights_of(worked_off(own, "splade-MT@1")) == weights_of(
        worked_off(shared, "splade-MT@1")
    )


def weights_of(work: Reproduction) -> dict[str, str]:
    told = json.loads((cell_folder(work, "splade-MT@1").path / "training.json").read_text())
    return dict(told["weights"])
