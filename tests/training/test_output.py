from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.training.output import RESOLVED, check_output, completed
from hyper_ir.training.recipe import PromptSettings, Recipe, TeacherConfig
from tests.training.small_run import recipe


def written(made: Recipe, *forgotten: str) -> dict[str, Any]:
    """The recipe as a version wrote it down that did not know some settings."""
    settings: dict[str, Any] = json.loads(json.dumps(asdict(made)))
    for name in forgotten:
        *path, last = name.split(".")
        part = settings
        for key in path:
            part = part[key]
        del part[last]
    return settings


def interrupted(made: Recipe, *forgotten: str) -> Path:
    output = Path(made.output)
    output.mkdir(parents=True)
    (output / RESOLVED).write_text(json.dumps(written(made, *forgotten)))
    return output


NEW = ["objective.balance", "precision", "teacher", "log", "prompts.mix"]


@pytest.mark.parametrize("name", NEW)
def test_a_run_of_before_a_setting_was_known_is_gone_on_with(tmp_path: Path, name: str) -> None:
    made = replace(recipe(tmp_path), prompts=PromptSettings("paper"))
    check_output(made, interrupted(made, name), resume=True, overwrite=False)


def test_a_new_setting_that_is_used_is_another_recipe(tmp_path: Path) -> None:
    made = recipe(tmp_path)
    made = replace(made, objective=replace(made.objective, balance=0.1))
    output = interrupted(made, "objective.balance")
    with pytest.raises(ValueError, match=r"had another objective\.balance"):
        check_output(made, output, resume=True, overwrite=False)


def test_a_setting_that_differs_is_named(tmp_path: Path) -> None:
    made = recipe(tmp_path)
    output = interrupted(made)
    other = replace(made, seed=made.seed + 1, batch=replace(made.batch, workers=3, size=2))
    with pytest.raises(ValueError, match=r"had another batch\.size, seed;"):
        check_output(other, output, resume=True, overwrite=False)


def test_what_is_written_stays_and_what_lacks_is_the_default(tmp_path: Path) -> None:
    made = replace(recipe(tmp_path), teacher=TeacherConfig("teacher", weight=0.5), prompts=None)
    whole = written(made)
    assert completed(whole, Recipe) == whole
    lacking = written(made, "teacher.bm25", "batch", "seed")
    assert completed(lacking, Recipe) == {
        **whole,
        "batch": json.loads(json.dumps(asdict(Recipe("m", "o", made.data).batch))),
        "seed": Recipe("m", "o", made.data).seed,
    }
    assert "bm25" not in lacking["teacher"]  # not changed in place
