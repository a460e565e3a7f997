"""The verb: grids from YAML and flags, the plan, what is missing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.reproduce import GRIDS, grid_names, main, parse
from hyper_ir.reproduction.grid import PARTS, Grid
from hyper_ir.reproduction.plan import TABLES
from hyper_ir.reproduction.reproduction import Reproduction
from tests.java_here import java_or_skip
from tests.reproduction.small_grid import write_grid, yaml_of


def file_of(grid: Grid, tmp_path: Path) -> str:
    return str(yaml_of(grid, tmp_path / "grid.yaml"))


@pytest.mark.parametrize("name", grid_names())
def test_shipped_grids_can_be_planned(name: str) -> None:
    grid, _ = parse(["--recipe", name])
    cells = Reproduction(grid).all_cells
    assert len(cells) > 10
    assert len({cell.name for cell in cells}) == len(cells)
    assert (GRIDS / f"{name}.yaml").read_text(encoding="utf-8").startswith("# ")


def test_a_paper_s_plan_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--recipe", "paper-kilt", "--dry-run", "--only", "table3"]) == 1
    printed = capsys.readouterr().out
    for words in (
        "8 GPUs",
        "estimate:",
        "GiB of disk",
        "of one GPU",
        "reckoned from sizes",
        "wget",
        "memory:",
    ):
        assert words in printed


def test_flags_win_and_names_of_shipped_grids_are_found(tmp_path: Path) -> None:
    grid, options = parse(
        [
            "--recipe=mini-kilt",
            "--steps",
            "7",
            "--splade.vectors.corpus",
            "v",
            "--only",
            "table1",
            "a",
        ]
    )
    assert (grid.steps, grid.splade.vectors, grid.seeds) == (7, {"corpus": "v"}, [42, 43, 44])
    assert options.only == ["table1", "a"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--recipe", "maxi"], "no shipped grid"),
        (["--recipe", "mini-kilt", "--sedes", "[1]"], "sedes"),
        (["--recipe", "mini-kilt", "--seeds", "[1, 1]"], "different numbers"),
        (["--recipe", "mini-kilt", "--steps", "0"], "positive"),
        (["--recipe", "mini-kilt", "--parts", "[mian]"], "mian"),
        (["--recipe", "mini-kilt", "--engine", "fast"], "engine"),
        (["--recipe", "mini-kilt", "--workers", "0"], "workers"),
        (["--recipe", "mini-kilt", "--data.dev", "dev.jsonl"], "task"),
        (["--recipe", "mini-kilt", "--splade.vectors.elsewhere", "v"], "elsewhere"),
        (["--recipe", "mini-kilt", "--few_shot.tasks", "[nothing]"], "nothing"),
        (["--recipe", "mini-kilt", "--data.without_query", "[fever]"], "no zero-shot"),
        (["--recipe", "mini-kilt", "--only", "BM25", "--only", "table1"], "--only: given twice"),
        (["--recipe", "mini-kilt", "--splade", "null"], "^splade: neither settings nor a file"),
    ],
)
def test_what_is_wrong_is_named(words: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(words)


def test_settings_that_are_null_are_named(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text((GRIDS / "mini-kilt.yaml").read_text().partition("cost:")[0] + "cost:\n")
    with pytest.raises(ValueError, match="cost: null, where settings are needed"):
        parse([f"--recipe={path}"])
    text = re.sub(r"settings: {.*}", "settings: null", (GRIDS / "mini-kilt.yaml").read_text())
    path.write_text(text)
    told = r"splade\.settings, dpr\.settings: null, where a value is needed"
    with pytest.raises(ValueError, match=told):
        parse([f"--recipe={path}"])


def test_settings_of_a_side_are_settings_of_its_recipe(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    good = replace(grid.splade, settings={"prompts.length": 7, "freeze": "none"})
    recipe = Reproduction(replace(grid, splade=good)).recipes["splade"]
    assert recipe.prompts is not None
    assert (recipe.prompts.length, recipe.freeze) == (7, "none")
    for settings, message in (
        ({"batch.sizes": 3}, r"splade: --batch\.sizes"),
        ({"batch.size": "many"}, "splade"),
        ({"data.tasks": ["long"]}, "the grid itself"),
    ):
        bad = replace(grid, splade=replace(grid.splade, settings=settings))
        with pytest.raises(ValueError, match=message):
            Reproduction(bad)


def test_cells_are_chosen_by_table_part_and_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path, parts=list(PARTS), seeds=[1, 2])
    path = file_of(grid, tmp_path)

    def listed(*only: str) -> list[str]:
        assert main(["--recipe", path, "--list", *(["--only", *only] if only else [])]) == 0
        return capsys.readouterr().out.split()

    everything = listed()
    assert everything[:3] == ["BM25", "splade-zero", "splade-HypeR@1"]
    assert listed("main") == everything[2:8]
    assert listed("*@2") == [name for name in everything if name.endswith("@2")]
    assert listed("splade-HypeR") == ["splade-HypeR@1", "splade-HypeR@2"]
    for table, parts in TABLES.items():
        assert set(listed(table)) >= set(listed(*parts))
    # What a cell goes on from comes with it, and before it.
    assert listed("splade-MT/2-of-long") == ["splade-MT/without-long@1", "splade-MT/2-of-long@1"]
    with pytest.raises(ValueError, match="'nothing' names no cell"):
        main(["--recipe", path, "--list", "--only", "nothing"])


def test_a_dry_run_tells_all_that_is_missing_and_does_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path)
    path = file_of(grid, tmp_path)
    assert main(["--recipe", path, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "to do" in printed
    assert "3 training runs left, 12 steps" in printed
    assert not (tmp_path / "grid").exists()

    inputs = tmp_path / "inputs"
    for name in ("corpus.jsonl", "train.jsonl", "long-dev-kilt.jsonl", "short-dev-kilt.jsonl"):
        (inputs / name).unlink()
    (inputs / "lexical").rename(inputs / "moved")
    (inputs / "beir").rename(inputs / "beer")
    words = ["--recipe", path, "--splade.vectors.corpus", str(inputs / "none")]
    words += ["--measures", "[nDGC@10]"]
    words += ["--splade.settings", "{teacher.model: nobody, teacher.vectors: nowhere}"]
    assert main([*words, "--dry-run"]) == 1
    printed = capsys.readouterr().out
    lacking = ("corpus.jsonl", "train.jsonl", "long-dev", "short-dev", "lexical", "beir", "none")
    for name in (*lacking, "nDGC@10", "nobody", "nowhere"):
        assert any(name in line for line in printed.splitlines() if line.startswith("missing"))
    with pytest.raises(ValueError, match="10 inputs are missing or broken"):
        main(words)
    assert not (tmp_path / "grid").exists()


def test_vectors_of_another_collection_are_told(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    vectors = tmp_path / "vectors"
    vectors.mkdir()
    (vectors / "hyper_ir.manifest").write_text(
        json.dumps({"kind": "vectors", "format": 1, "inputs": {"corpus": {"source": "x"}}})
    )
    ready = replace(grid, splade=replace(grid.splade, vectors={"corpus": str(vectors)}))
    with pytest.raises(ValueError, match="of another collection"):
        Reproduction(ready).check()


def test_tables_are_of_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = write_grid(tmp_path)
    path = file_of(grid, tmp_path)
    with pytest.raises(ValueError, match=r"output: .*grid does not exist"):
        main(["--recipe", path, "--tables"])
    Path(grid.output).mkdir()
    assert main(["--recipe", path, "--tables"]) == 0
    assert "none of these cells is finished yet" in capsys.readouterr().err
    assert main(["--recipe", path, "--only", "splade-MT"]) == 0
    printed = capsys.readouterr().out
    assert "[1/1] splade-MT@1: 4 steps trained, 3 tests" in printed
    assert main(["--recipe", path, "--tables"]) == 0
    captured = capsys.readouterr()
    assert "Table 1" in captured.out
    assert "–" in captured.out
    assert "trained" not in captured.err
    assert main(["--recipe", path, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "measured here" in printed
    assert "done" in printed


def test_steps_are_probed_for_the_estimate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path)
    path = file_of(grid, tmp_path)
    assert main(["--recipe", path, "--probe", "--dry-run", "--only", "splade-HypeR"]) == 0
    printed = capsys.readouterr().out
    assert "splade with prompts: " in printed
    assert "s a step" in printed
    assert "probed here" in printed
    assert not (tmp_path / "grid" / "probe").exists()
    assert not (tmp_path / "grid" / "cells").exists()


def test_a_failed_cell_makes_the_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path)
    work = Reproduction(grid)
    key = work.keys(work.cells)["splade-MT@1"]
    place = tmp_path / "grid" / "cells" / key
    place.mkdir(parents=True)
    (place / "cell.json").write_text("{}")
    assert main(["--recipe", file_of(grid, tmp_path), "--only", "splade-MT", "splade-prefix"]) == 1
    captured = capsys.readouterr()
    assert "failed: splade-MT@1: " in captured.err
    assert "splade-prefix@1: 4 steps trained" in captured.out


@pytest.mark.jvm
def test_bm25_is_searched_and_examples_are_mined(tmp_path: Path) -> None:
    java_or_skip()
    grid = write_grid(tmp_path, parts=["bm25", "main"], engine="lucene")
    grid = replace(grid, data=replace(grid.data, examples=[]))
    path = file_of(grid, tmp_path)
    assert main(["--recipe", path, "--only", "BM25", "splade-HypeR"]) == 0
    work = Reproduction(parse(["--recipe", path])[0])
    figures = work.tables()[0]["table1"].figures
    assert set(figures["multi-task BM25"]) == {"long", "short", "average"}
    assert set(figures["multi-task SPLADE-HypeR"]) == {"long", "short", "average"}
    assert work.prepared().examples_made() is not None


@pytest.mark.parametrize("place", ["data", "splade", "cost", "splade.settings", "sweep"])
def test_a_grid_that_names_a_class_imports_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    proof, path = tmp_path / "proof", tmp_path / "grid.yaml"
    (tmp_path / "evil_grid.py").write_text(
        f"open({str(proof)!r}, 'w').close()\n"
        "from hyper_ir.reproduction.grid import *\nclass Evil(GridData): pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    written: dict[str, Any] = {
        "output": "o",
        "data": {"corpus": "c", "tasks": ["nq"], "train": "{task}", "dev": "{task}"},
        "splade": {"model": "m", "settings": {}},
        "cost": {},
        "sweep": {},
    }
    evil = {"class_path": "evil_grid.Evil", "init_args": written["data"]}
    if place == "splade.settings":
        written["splade"]["settings"] = {"batch.size": evil}
    else:
        written[place] = evil
    path.write_text(json.dumps(written))
    with pytest.raises(ValueError, match="class_path is for classes"):
        parse(["--recipe", str(path)])
    assert not proof.exists()
