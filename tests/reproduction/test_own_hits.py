from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.mining.first_stage import FromRuns
from hyper_ir.mining.pipeline import mine
from hyper_ir.mining.selection import MiningSettings
from hyper_ir.reproduction.grid import CORPUS, Grid
from hyper_ir.reproduction.identity import Identities
from hyper_ir.reproduction.reproduction import Reproduction
from hyper_ir.search.__main__ import main as search_main
from tests.reproduction.small_grid import TASKS, dense_side, worked_off, write_grid


def mined_from(grid: Grid, side: str, negatives: int = 4) -> Grid:
    data = replace(
        grid.data,
        examples=[],
        mining_from=side,  # type: ignore[arg-type]
        mining_depth=8,
        mining_negatives=negatives,
    )
    return replace(grid, data=data)


def test_negatives_are_those_of_the_verbs(tmp_path: Path) -> None:
    """The same as searching with the backbone, and mining from those runs."""
    grid = mined_from(write_grid(tmp_path), "splade")
    prepared = Reproduction(grid).prepared()
    vectors = prepared.vectors("splade", CORPUS)
    runs, sources = {}, {}
    for task in TASKS:
        sources[task] = grid.data.train.replace("{task}", task)
        runs[task] = tmp_path / f"{task}.trec"
        words = ["--impact", "--engine", "exact", "--index", str(vectors), "--hits", "8"]
        words += ["--topics", sources[task], "--encoder", str(grid.splade.model), "--quiet"]
        words += ["--max-length", "24", "--output", str(runs[task])]
        search_main(words)
    settings = MiningSettings(depth=8, negatives=4)
    output, report = tmp_path / "verbs.jsonl", tmp_path / "verbs.json"
    mine(sources, prepared.corpus(CORPUS), FromRuns(runs), output, report, settings)
    (made,) = prepared.examples()
    assert Path(made).read_text() == output.read_text()
    examples = [json.loads(line) for line in output.read_text().splitlines()]
    assert len(examples) == 12
    assert all(1 <= len(example["negative_ids"]) <= 4 for example in examples)


def test_queries_of_two_tasks_may_have_the_same_id(tmp_path: Path) -> None:
    grid = mined_from(write_grid(tmp_path), "splade")
    before = Reproduction(grid).prepared().examples()
    for task in TASKS:
        path = Path(grid.data.train.replace("{task}", task))
        path.write_text(path.read_text().replace(f'"{task}', '"q'))
    again = replace(grid, output=str(tmp_path / "again"))
    after = Reproduction(again).prepared().examples()
    assert negatives_in(before) == negatives_in(after)


def negatives_in(files: list[str]) -> list[list[str]]:
    lines = Path(files[0]).read_text().splitlines()
    return [json.loads(line)["negative_ids"] for line in lines]


def test_a_dense_backbone_mines_for_both_sides(tmp_path: Path) -> None:
    grid = replace(write_grid(tmp_path, steps=1), dpr=dense_side(tmp_path))
    grid = mined_from(grid, "dpr")
    worked_off(grid, "splade-MT@1")
    told = json.loads(next((tmp_path / "grid/prepared").glob("examples-*/made.json")).read_text())
    assert told["made_of"]["hits"]["dense_pooling"] == "mean"


def test_examples_follow_from_whose_hits_they_are(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    grid = replace(grid, dpr=dense_side(tmp_path))
    folders = set()
    for side in ("splade", "dpr"):
        for negatives in (2, 4):
            prepared = Reproduction(mined_from(grid, side, negatives)).prepared()
            folders.add(Path(prepared.examples()[0]).parent.name)
    assert len(folders) == 4


def test_a_part_of_the_training_queries_is_mined_for(tmp_path: Path) -> None:
    grid = mined_from(write_grid(tmp_path), "splade")
    (whole,) = Reproduction(grid).prepared().examples()
    fewer = replace(grid, data=replace(grid.data, mining_queries=4))
    (part,) = Reproduction(fewer).prepared().examples()
    lines = Path(part).read_text().splitlines()
    assert Counter(json.loads(line)["task"] for line in lines) == dict.fromkeys(TASKS, 4)
    assert set(lines) < set(Path(whole).read_text().splitlines())
    with pytest.raises(ValueError, match=r"data\.mining_queries: 0 is not a positive number"):
        replace(grid.data, mining_queries=0)


def test_what_mining_needs_is_checked_at_once(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    with pytest.raises(ValueError, match=r"data\.mining_from: dpr: it has no backbone"):
        replace(grid, data=mined_from(grid, "dpr").data)
    dense = replace(dense_side(tmp_path), model=str(tmp_path / "nowhere"))
    missing = mined_from(replace(grid, dpr=dense), "dpr")
    with pytest.raises(ValueError, match=r"dpr\.model: .*nowhere") as error:
        Reproduction(missing, ["splade-MT@1"]).check()
    assert str(error.value).count("nowhere") == 1


def test_ready_examples_need_no_backbone(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    ready = replace(grid, data=replace(grid.data, mining_from="dpr"))
    identities = Identities(ready, ready.data.examples)
    cell = next(cell for cell in Reproduction(ready).all_cells if cell.trained)
    assert identities.key(cell) == Identities(grid, grid.data.examples).key(cell)
