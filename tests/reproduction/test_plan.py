from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.reproduction.cells import changed
from hyper_ir.reproduction.grid import PARTS, Grid
from hyper_ir.reproduction.reproduction import Reproduction
from hyper_ir.reproduction.runner import works_of
from hyper_ir.reproduction.targets import evenly
from hyper_ir.training.recipe import Recipe
from tests.reproduction.small_grid import dense_side, write_grid


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    return replace(write_grid(tmp_path, parts=list(PARTS), seeds=[1, 2]), dpr=dense_side(tmp_path))


def recipes(grid: Grid) -> dict[str, Recipe]:
    return {
        cell.name: cell.recipe
        for cell in Reproduction(grid).all_cells
        if cell.recipe is not None and cell.trained
    }


def test_main_rows_come_first_and_alone_have_all_seeds(grid: Grid) -> None:
    cells = Reproduction(grid).all_cells
    parts = list(dict.fromkeys(cell.part for cell in cells))
    assert parts == list(PARTS)
    assert {cell.part for cell in cells if cell.seed == 2} == {"main"}
    assert [cell.name for cell in cells[3:6]] == [
        "splade-HypeR@1",
        "splade-MT@1",
        "splade-prefix@1",
    ]
    more = replace(grid, seeded=["main", "ablations"])
    of_two = {cell.part for cell in Reproduction(more).all_cells if cell.seed == 2}
    assert of_two == {"main", "ablations"}


def test_systems_are_what_the_method_says(grid: Grid) -> None:
    found = recipes(grid)
    hyper = found["splade-HypeR@1"]
    assert hyper.prompts is not None
    assert hyper.prompts.resolved().query_conditional
    assert found["splade-MT@1"].prompts is None
    prefix = found["splade-prefix@1"].prompts
    assert prefix is not None
    assert (prefix.resolved().prompts, prefix.resolved().length) == (1, 3)
    uniform = found["splade-HypeR-uniform@1"].prompts
    assert uniform is not None
    assert not uniform.resolved().query_conditional
    assert uniform.resolved().prompts == 4
    assert not found["splade-HypeR-no-alignment@1"].objective.alignment
    assert not found["splade-HypeR-no-uniformity@1"].objective.uniformity
    released = found["splade-HypeR-released@1"]
    assert released.prompts is not None
    assert released.prompts.resolved().mix == "prefix"
    assert released.objective.cpr_reduction == "sum"
    assert found["splade-HypeR/cross-domain@1"].freeze == "backbone"
    assert found["dpr-FT/long@1"].data.tasks == ["long"]
    assert found["dpr-FT/long@1"].head == "dense"
    assert found["splade-MT/without-long@1"].data.leave_out == ["long"]
    few = found["splade-HypeR/2-of-long@1"]
    assert (few.data.tasks, few.data.per_task, few.batch.size) == (["long"], 2, 2)
    assert few.optimiser.max_steps == 2
    assert found["splade-HypeR/N=2@1"].prompts is not None


def test_a_few_shot_cell_goes_on_from_the_model_that_never_saw_its_task(grid: Grid) -> None:
    for cell in Reproduction(grid).all_cells:
        if cell.part == "few-shot":
            assert cell.start is not None
            assert cell.start.recipe is not None
            assert cell.recipe is not None
            assert cell.start.recipe.data.leave_out == cell.recipe.data.tasks
            assert cell.start.system == cell.system
            assert cell.tests == tuple(cell.recipe.data.tasks or ())


def test_what_few_shot_cells_go_on_from_is_kept_whatever_is_asked_for_first(grid: Grid) -> None:
    kept = {
        cell.name: cell.kept
        for cell in Reproduction(replace(grid, seeds=[1]), ["leave-one-out"]).cells
    }
    assert kept["splade-MT/without-long@1"]
    assert not kept["dpr-MT/without-long@1"]
    fewer = replace(grid, parts=["leave-one-out"])
    assert not any(cell.kept for cell in Reproduction(fewer).all_cells)


def test_steps_are_those_of_the_grid(grid: Grid) -> None:
    found = recipes(replace(grid, steps=3, fine_tuning_steps=2))
    assert found["splade-HypeR@1"].optimiser.max_steps == 3
    assert found["splade-FT/long@1"].optimiser.max_steps == 2
    assert recipes(replace(grid, steps=1))["splade-HypeR/2-of-long@1"].optimiser.max_steps == 1


def test_one_task_cannot_be_left_out(grid: Grid) -> None:
    data = replace(grid.data, tasks=["long"])
    parts = {cell.part for cell in Reproduction(replace(grid, data=data)).all_cells}
    assert not parts & {"leave-one-out", "few-shot"}


def test_equal_cells_are_one_with_the_tests_of_both(grid: Grid) -> None:
    work = Reproduction(grid)
    main = next(cell for cell in work.all_cells if cell.name == "splade-HypeR@1")
    cells = [replace(main, tests=("long",), kept=False), replace(main, tests=("short", "long"))]
    only = works_of(cells, work.prepared().identities)
    assert len(only) == 1
    assert only[0].cell.tests == ("long", "short")
    assert only[0].cell.kept


def test_settings_are_changed_by_their_keys(grid: Grid) -> None:
    recipe = Reproduction(grid).recipes["splade"]
    other = changed(recipe, {"batch.size": 9, "seed": 3})
    assert (other.batch.size, other.seed, recipe.batch.size) == (9, 3, 4)
    for key in ("batch.sizes", "bach.size", "seed.more"):
        with pytest.raises(ValueError, match=key):
            changed(recipe, {key: 1})
    with pytest.raises(ValueError, match=r"batch\.size"):
        changed(recipe, {"batch.size": 0})


@pytest.mark.parametrize(
    ("most", "wanted"), [(None, list(range(7))), (9, list(range(7))), (3, [0, 2, 4]), (1, [0])]
)
def test_queries_are_taken_at_equal_distances(most: int | None, wanted: list[int]) -> None:
    assert evenly(list(range(7)), most) == wanted
