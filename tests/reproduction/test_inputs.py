from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.reproduction.inputs import missing_inputs
from hyper_ir.reproduction.reproduction import Reproduction
from tests.reproduction.small_grid import dense_side, write_grid

UNJUDGED = '{"id": "a", "input": "a query", "output": []}\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        ("{", ":1: not a JSON object"),
        (UNJUDGED, "long-dev-kilt.jsonl"),
        ('{"a": 1}\n', "long-dev-kilt.jsonl"),
    ],
)
def test_queries_are_read_before_anything_is_trained(
    tmp_path: Path, content: str, said: str
) -> None:
    grid = write_grid(tmp_path)
    Path(grid.data.dev.replace("{task}", "long")).write_text(content)
    work = Reproduction(grid, ["splade-MT"])
    with pytest.raises(ValueError, match=r"1 input is missing or broken:\n.*data.dev: ") as told:
        work.check()
    assert said in str(told.value)
    assert not work.root.exists()


def test_queries_of_other_collections_are_read_too(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    (tmp_path / "inputs" / "beir" / "qrels" / "test.tsv").write_text("x")
    (line,) = missing_inputs(grid, Reproduction(grid, ["splade-MT"]).cells)
    assert line.startswith("data.zero_shot.beir: ")


def test_the_collection_is_opened(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    cells = Reproduction(grid, ["splade-MT"]).cells
    assert missing_inputs(grid, cells) == []
    for content, said in (("", "the file is empty"), ('{"_id": "a", "te\n', ":1: ")):
        Path(grid.data.corpus).write_text(content)
        (line,) = missing_inputs(grid, cells)
        assert line.startswith("data.corpus: ")
        assert said in line


def test_a_dense_model_is_no_splade(tmp_path: Path) -> None:
    grid = write_grid(tmp_path, parts=["zero", "main"])
    dense = replace(grid, splade=replace(grid.splade, model=str(tmp_path / "inputs" / "dense")))
    for only in ("splade-zero", "splade-MT"):
        (line,) = missing_inputs(dense, Reproduction(dense, [only]).cells)
        assert re.match(r"splade\.model: .*dense makes dense vectors; python -m .*graft", line)
    sides = replace(grid, dpr=dense_side(tmp_path))
    assert missing_inputs(sides, Reproduction(sides, ["dpr-*"]).cells) == []


def test_what_the_machine_lacks_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    grid = write_grid(tmp_path, device="cuda", launcher=["no-such-launcher"])
    lines = missing_inputs(grid, Reproduction(grid).cells)
    assert lines == [
        "device: cuda: this machine has no GPU that torch can use",
        "launcher: there is no command no-such-launcher",
    ]
