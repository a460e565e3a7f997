from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.pairs import PairSettings, write_pairs
from hyper_ir.reproduction import cost
from hyper_ir.reproduction.cells import changed
from hyper_ir.reproduction.grid import Grid
from hyper_ir.reproduction.inputs import missing_inputs
from hyper_ir.reproduction.reproduction import Reproduction
from tests.reproduction.small_grid import TASKS, worked_off, write_grid


def with_pairs(folder: Path, **changes: object) -> Grid:
    """The small grid, which mines by itself, and trains on pairs of its corpus too."""
    grid = write_grid(folder, steps=1)
    pairs = folder / "inputs" / "pairs"
    settings = PairSettings(count=5, spans=1, span_words=(2, 3), keywords=(2, 3), least_words=3)
    write_pairs(open_corpus(grid.data.corpus), pairs, settings, overwrite=True)
    data = replace(
        grid.data,
        examples=[],
        train_only={"spans": str(pairs)},
        mining_from="splade",
        mining_depth=8,
        mining_negatives=4,
    )
    return replace(grid, data=data, **changes)  # type: ignore[arg-type]


def test_it_is_mined_for_and_trained_on_and_not_tested(tmp_path: Path) -> None:
    grid = with_pairs(tmp_path)
    work = worked_off(grid, "splade-HypeR@1")
    (made,) = work.prepared().examples()
    tasks = Counter(json.loads(line)["task"] for line in Path(made).read_text().splitlines())
    assert tasks == {**dict.fromkeys(TASKS, 6), "spans": 5}
    (recipe,) = (tmp_path / "grid" / "cells").glob("*/recipe.json")
    assert json.loads(recipe.read_text())["data"]["examples"] == [made]
    scores = {path.stem for path in (tmp_path / "grid" / "cells").glob("*/scores/*.json")}
    assert scores == {*TASKS, "beir"}


def test_tables_tell_which_topics_are_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = with_pairs(tmp_path, parts=["zero", "main"])
    work = worked_off(grid, "splade-zero", "splade-HypeR@1")
    work.print_tables(chosen=True)
    before = capsys.readouterr()
    assert re.search(r"SPLADE-HypeR +\d", before.out)
    assert "not looked for" not in before.err
    (tmp_path / "inputs" / "pairs").rename(tmp_path / "elsewhere")
    work.print_tables(chosen=True)
    after = capsys.readouterr()
    assert re.search(r"SPLADE-HypeR +–", after.out)
    assert re.search(r"SPLADE-zero +\d", after.out)
    assert re.search("not looked for, 1 cell: .*pairs", after.err)


def test_examples_follow_from_what_is_in_its_files(tmp_path: Path) -> None:
    grid = with_pairs(tmp_path)
    (before,) = Reproduction(grid).prepared().examples()
    moved = (tmp_path / "inputs" / "pairs").rename(tmp_path / "elsewhere")
    same = replace(grid, data=replace(grid.data, train_only={"spans": str(moved)}))
    assert Reproduction(same).prepared().examples() == [before]
    qrels = moved / "qrels" / "train.tsv"
    qrels.write_text("\n".join(qrels.read_text().splitlines()[:-1]) + "\n")
    (after,) = Reproduction(same).prepared().examples()
    assert len(Path(after).read_text().splitlines()) == 16
    assert Path(after).parent != Path(before).parent


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    data = with_pairs(tmp_path).data
    for taken in ("long", "beir"):
        with pytest.raises(
            ValueError, match=rf"data\.train_only: {taken} is the name of something"
        ):
            replace(data, train_only={taken: "pairs"})
    with pytest.raises(ValueError, match="1 cannot be a name"):
        replace(data, train_only={1: "pairs"})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match=r"data\.train_only is mined together with data\.train"):
        replace(data, examples=["examples.jsonl"])
    with pytest.raises(ValueError, match=r"'a/b' cannot be a name"):
        replace(data, train_only={"a/b": "pairs"})


def test_what_is_not_there_is_told_before_work(tmp_path: Path) -> None:
    grid = with_pairs(tmp_path)
    lacking = replace(grid, data=replace(grid.data, train_only={"spans": "nowhere"}))
    lines = missing_inputs(lacking, Reproduction(lacking, ["splade-MT"]).cells)
    assert lines == ["data.train_only.spans: there is no nowhere"]
    assert missing_inputs(lacking, []) == []
    (tmp_path / "inputs" / "pairs" / "qrels" / "train.tsv").unlink()
    (line,) = missing_inputs(grid, Reproduction(grid, ["splade-MT"]).cells)
    assert line.startswith("data.train_only.spans: BEIR folder: ")
    unnamed = replace(grid, data=replace(grid.data, train_only={"spans": ""}))
    lines = missing_inputs(unnamed, Reproduction(unnamed, ["splade-MT"]).cells)
    assert lines == ["data.train_only.spans: a file or a folder is needed"]


def test_topics_of_another_corpus_are_no_examples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = with_pairs(tmp_path)
    qrels = tmp_path / "inputs" / "pairs" / "qrels" / "train.tsv"
    header, *lines = qrels.read_text().splitlines()
    others = [re.sub(r"\t[^\t]+\t", "\tnowhere\t", line) for line in lines]
    qrels.write_text("\n".join([header, *others]) + "\n")
    for _ in range(2):
        with pytest.raises(ValueError, match="mining: no example of spans"):
            Reproduction(grid).prepared().examples()
        assert "mining: spans: 1 of 1 judged ids" in capsys.readouterr().out


def test_it_counts_among_the_examples_of_an_epoch(tmp_path: Path) -> None:
    grid = with_pairs(tmp_path, steps=None)
    cell = Reproduction(grid, ["splade-HypeR@1"]).cells[0]
    assert cell.recipe is not None
    epochs = changed(cell.recipe, {"optimiser.max_steps": None, "optimiser.epochs": 4})
    left_out = changed(epochs, {"data.leave_out": ["long"]})
    assert cost.steps_of(replace(cell, recipe=epochs), grid, examples=18) == 18
    assert cost.steps_of(replace(cell, recipe=left_out), grid, examples=18) == 12
