"""Each side's recipe of HypeR, which all cells are changes of."""

from __future__ import annotations

import json
from typing import Any

from hyper_ir.reproduction.grid import Grid
from hyper_ir.train import parse
from hyper_ir.training.recipe import Recipe

PLACE = "the cell's folder"


def recipes_of(grid: Grid) -> dict[str, Recipe]:
    """The recipe of each side that has a backbone.

    Raises ValueError for a recipe that is none, or settings that it refuses.
    """
    return {side: _recipe(grid, side) for side in grid.sides}


def _recipe(grid: Grid, side: str) -> Recipe:
    config = grid.side(side)
    given: dict[str, Any] = {
        "config": config.recipe,
        "model": config.model,
        "output": PLACE,
        "data.examples": grid.data.examples or ["examples.jsonl"],
        "data.corpus": grid.data.corpus,
        "batch.document_length": grid.data.document_length,
        **config.settings,
    }
    words = [f"--{key}={_word(value)}" for key, value in given.items()]
    try:
        recipe, _ = parse(words)
    except ValueError as error:
        raise ValueError(f"{side}: {error}") from error
    data = recipe.data
    if data.tasks is not None or data.leave_out or data.per_task is not None:
        raise ValueError(f"{side}.recipe: the grid itself says which tasks a cell is trained on")
    return recipe


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
