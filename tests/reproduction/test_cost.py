from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.reproduction import cost
from hyper_ir.reproduction.cells import Cell, changed
from hyper_ir.reproduction.cost_config import CostConfig
from hyper_ir.reproduction.grid import Grid
from hyper_ir.reproduction.reproduction import Reproduction
from hyper_ir.reproduction.results import Results
from tests.reproduction.small_grid import write_grid

CONFIG = CostConfig(
    device="a device",
    tflops=2.0,
    parameters=1e6,
    query_tokens=10,
    document_tokens=50,
    examples=1000,
    passages=300,
    zero_shot_passages=40,
    queries=30,
    bytes_per_passage=100,
    index_bytes_per_passage=10,
)


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    return write_grid(tmp_path, cost=CONFIG)


def cell_of(grid: Grid) -> Cell:
    return Reproduction(grid).all_cells[0]


def rates(grid: Grid, cell: Cell, probed: dict[str, float] | None = None) -> cost.Rates:
    return cost.rates(grid, [cell], Results(Path("nowhere"), {}), probed or {})


def test_a_step_is_reckoned_from_tokens_parameters_and_speed(grid: Grid) -> None:
    cell = cell_of(grid)
    assert cell.recipe is not None
    second = 1e6 * 2 / 2e12  # of one token forward
    frozen = rates(grid, cell)
    assert frozen.step["splade with prompts"] == pytest.approx(4 * 10 * 3 * second)
    assert "reckoned from sizes (a device)" in frozen.sources[0]
    changes = {"freeze": "none", "batch.chunk_tokens": 64, "batch.grad_cache": True}
    trained = replace(cell, recipe=changed(cell.recipe, changes))
    tokens = 4 * 10 + 4 * 3 * 32  # documents are cut to 32 tokens
    assert rates(grid, trained).step["splade with prompts"] == pytest.approx(tokens * 4 * second)
    assert frozen.passage == pytest.approx(32 * second)

    given = replace(grid, cost=replace(CONFIG, seconds_per_step=7.0, seconds_per_query=0.5))
    assert rates(given, cell).step["splade with prompts"] == 7.0
    assert "assumed" in rates(given, cell).sources[0]
    seconds = cost.seconds_of(cell, given, rates(given, cell))
    assert seconds == pytest.approx(4 * 7.0 + 30 * 0.5)


def none_made(side: str, collection: str) -> bool:
    return False


def test_own_documents_are_encoded_for_each_cell(grid: Grid) -> None:
    cell = cell_of(grid)
    assert cell.recipe is not None
    own = replace(cell, recipe=changed(cell.recipe, {"freeze": "none"}))
    slow = replace(grid, cost=replace(CONFIG, seconds_per_passage=2.0, seconds_per_step=1.0))
    more = cost.seconds_of(own, slow, rates(slow, own)) - cost.seconds_of(
        cell, slow, rates(slow, cell)
    )
    assert more == pytest.approx(340 * 2.0)
    assert cost.preparation_seconds([own], slow, rates(slow, own), none_made) == 0
    whole = cost.preparation_seconds([cell], slow, rates(slow, cell), none_made)
    assert whole == pytest.approx(340 * 2.0)
    prepared = cost.preparation_seconds(
        [cell], slow, rates(slow, cell), lambda side, collection: collection == "corpus"
    )
    assert prepared == pytest.approx(40 * 2.0)
    assert cost.disk_bytes([cell], grid) == 340 * 200
    lucene = replace(grid, engine="lucene")
    assert cost.disk_bytes([own], lucene) == 2 * 340 * 210


def test_a_backbones_hits_are_searched_for(grid: Grid) -> None:
    config = replace(CONFIG, seconds_per_query=0.5)
    data = replace(grid.data, mining_from="splade")
    searched = replace(grid, cost=config, data=data)
    found = cost.mining_seconds(searched, rates(searched, cell_of(grid)))
    assert found == pytest.approx(CONFIG.examples * 0.5)  # type: ignore[operator]
    bm25 = replace(searched, data=grid.data)
    assert cost.mining_seconds(bm25, rates(bm25, cell_of(grid))) == 0


def test_epochs_become_steps(grid: Grid) -> None:
    cell = cell_of(grid)
    assert cell.recipe is not None
    epochs = {"optimiser.max_steps": None, "optimiser.epochs": 2}
    whole = replace(cell, recipe=changed(cell.recipe, epochs))
    assert cost.steps_of(whole, grid) == 500
    left_out = changed(cell.recipe, {**epochs, "data.leave_out": ["long"]})
    assert cost.steps_of(replace(cell, recipe=left_out), grid) == 250
    assert cost.steps_of(cell, grid) == 4
    assert cost.steps_of(replace(cell, trained=False), grid) == 0


def test_what_was_probed_wins_over_what_is_assumed(grid: Grid) -> None:
    found = rates(grid, cell_of(grid), {"splade with prompts": 9.0, "dpr with prompts": 3.0})
    assert found.step == {"splade with prompts": 9.0}
    assert found.sources == ["steps splade with prompts: probed here"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "5 s"), (120, "2 min"), (7200, "2.0 h"), (4 * 86400, "4.0 days")],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert cost.in_words(seconds) == words
