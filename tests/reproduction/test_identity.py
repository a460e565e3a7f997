from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.reproduction.cells import Cell, changed
from hyper_ir.reproduction.grid import CORPUS, Grid
from hyper_ir.reproduction.identity import Identities, hash_of_model, key_of
from hyper_ir.reproduction.reproduction import Reproduction
from hyper_ir.training.recipe import TeacherConfig
from tests.reproduction.small_grid import write_grid


def cell_of(grid: Grid, name: str = "splade-HypeR@1") -> Cell:
    return next(cell for cell in Reproduction(grid).all_cells if cell.name == name)


def key(grid: Grid, cell: Cell) -> str:
    return Identities(grid, grid.data.examples).key(cell)


@pytest.mark.parametrize(
    "changes",
    [
        {"output": "elsewhere"},
        {"device": "cuda"},
        {"batch.workers": 3},
        {"log.every": 7},
        {"optimiser.epochs": 3.0},
        {"prompts.temperature": 2.718281828459045},
        {"prompts.layer_norm": True},
        {"objective.cpr": 0.1},
    ],
)
def test_what_does_not_matter_is_not_in_the_key(tmp_path: Path, changes: dict[str, Any]) -> None:
    grid = write_grid(tmp_path)
    cell = cell_of(grid)
    assert cell.recipe is not None
    other = replace(cell, recipe=changed(cell.recipe, changes), system="another name")
    assert key(grid, other) == key(grid, cell)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 2},
        {"optimiser.max_steps": 5},
        {"prompts": None},
        {"prompts.prompts": 5},
        {"prompts.queries": 10},
        {"objective.cpr": 0.2},
        {"objective.alignment": False},
        {"objective.balance": 0.1},
        {"optimiser.prefix_rate": 0.5},
        {"freeze": "backbone"},
        {"data.leave_out": ["long"]},
        {"data.tasks": ["long"]},
        {"data.per_task": 3},
        {"batch.size": 3},
        {"precision": "bf16"},
    ],
)
def test_what_matters_is_in_the_key(tmp_path: Path, changes: dict[str, Any]) -> None:
    grid = write_grid(tmp_path)
    cell = cell_of(grid)
    assert cell.recipe is not None
    other = replace(cell, recipe=changed(cell.recipe, changes))
    assert key(grid, other) != key(grid, cell)


def test_without_prompt_attention_its_regulariser_does_not_matter(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    cell = cell_of(grid, "splade-MT@1")
    assert cell.recipe is not None
    other = replace(cell, recipe=changed(cell.recipe, {"objective.cpr": 0.5}))
    assert key(grid, other) == key(grid, cell)


def test_the_key_is_of_contents_and_not_of_places(tmp_path: Path) -> None:
    grid = write_grid(tmp_path / "here")
    shutil.copytree(tmp_path / "here" / "inputs", tmp_path / "there" / "inputs")
    there = write_grid(tmp_path / "there")
    assert key(grid, cell_of(grid)) == key(there, cell_of(there))

    examples = Path(there.data.examples[0])
    examples.write_text(examples.read_text().replace("sparse", "dense"))
    assert key(grid, cell_of(grid)) != key(there, cell_of(there))


def test_a_teacher_counts_by_its_model_and_settings(tmp_path: Path) -> None:
    grid = write_grid(tmp_path / "here")
    shutil.copytree(tmp_path / "here" / "inputs", tmp_path / "there" / "inputs")
    there = write_grid(tmp_path / "there")

    def taught(grid: Grid, **settings: Any) -> str:
        cell = cell_of(grid)
        assert cell.recipe is not None
        folder = str(Path(str(grid.splade.model)).parent / "dense")
        teacher = TeacherConfig(folder, head="dense", **settings)
        return key(grid, replace(cell, recipe=replace(cell.recipe, teacher=teacher)))

    assert taught(grid) != key(grid, cell_of(grid))
    assert taught(grid) == taught(there, vectors="anywhere")
    assert taught(grid) != taught(grid, bm25=0.3)
    model = Path(str(there.splade.model)).parent / "dense" / "config.json"
    model.write_text(json.dumps(json.loads(model.read_text()) | {"hidden_act": "relu"}))
    assert taught(grid) != taught(there)


def test_another_backbone_is_another_cell_and_another_name_is_not(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    folder = Path(str(grid.splade.model))
    before = hash_of_model(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"_name_or_path": "elsewhere"}))
    assert hash_of_model(folder) == before
    (folder / "config.json").write_text(json.dumps(config | {"hidden_act": "relu"}))
    assert hash_of_model(folder) != before


def test_ready_vectors_count_by_what_they_are_made_of(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    identities = Identities(grid, None)
    made = identities.vectors("splade", CORPUS)
    folder = tmp_path / "vectors"
    folder.mkdir()
    manifest = Manifest(
        "vectors",
        quantiser={"factor": 100.0, "top_k": None},
        config={"max_length": 32},
        inputs={"corpus": {"source": "elsewhere", **identities.corpus(CORPUS)}},
    )
    write_manifest(folder, manifest)
    ready = replace(grid, splade=replace(grid.splade, vectors={CORPUS: str(folder)}))
    assert Identities(ready, None).vectors("splade", CORPUS) == made
    assert key(ready, cell_of(ready)) == key(grid, cell_of(grid))
    write_manifest(folder, replace(manifest, config={"max_length": 16}))
    assert key(ready, cell_of(ready)) != key(grid, cell_of(grid))


def test_what_goes_on_from_a_cell_has_its_key_inside(tmp_path: Path) -> None:
    grid = write_grid(tmp_path, parts=["few-shot"])
    cell = cell_of(grid, "splade-MT/2-of-long@1")
    assert cell.start is not None
    assert cell.start.recipe is not None
    longer = replace(cell.start, recipe=changed(cell.start.recipe, {"optimiser.max_steps": 9}))
    assert key(grid, replace(cell, start=longer)) != key(grid, cell)


def test_examples_that_are_not_mined_yet_have_no_hash(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    with pytest.raises(ValueError, match="not mined yet"):
        Identities(grid, None).key(cell_of(grid))


def test_equal_numbers_and_lists_have_one_key() -> None:
    assert key_of({"a": 1.0, "b": (1, 2)}) == key_of({"b": [1, 2.0], "a": 1})
    assert key_of({"a": 1}) != key_of({"a": True})
    assert key_of({"a": None}) != key_of({})
