from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.reproduction.grid import CostConfig, FewShotConfig, Grid, SweepConfig
from hyper_ir.reproduction.inputs import missing_inputs
from hyper_ir.reproduction.reproduction import Reproduction
from tests.reproduction.small_grid import worked_off, write_grid

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


def test_an_output_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    other = replace(grid, output=str(tmp_path / "inputs"))
    with pytest.raises(ValueError, match="inputs is not a grid's folder"):
        Reproduction(other).check()
    (tmp_path / "grid" / "cells").mkdir(parents=True)
    (tmp_path / "grid" / "tables").write_text("a file")
    with pytest.raises(ValueError, match="tables is a file; a folder is needed"):
        Reproduction(grid).check()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parts": []}, r"parts: \[\]: different names"),
        ({"parts": ["main", "main"]}, "parts: .* different names"),
        ({"measures": ["P@1", "P@1"]}, "measures: .* different names"),
        ({"seeds": [1, 1]}, "seeds: .* different numbers"),
        ({"seeds": [2**32]}, "seeds: 4294967296 is not from 0 to below"),
        ({"seeds": [-1]}, "seeds: -1 is not from 0"),
        ({"output": ""}, "output: the name of a folder is needed"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    grid = write_grid(tmp_path)
    with pytest.raises(ValueError, match=said):
        replace(grid, **changes)


def test_nothing_is_varied_over_one_value_twice() -> None:
    with pytest.raises(ValueError, match=r"sweep\.cpr: .* different values"):
        SweepConfig(cpr=[0.1, 1e-1])
    with pytest.raises(ValueError, match=r"few_shot\.examples: .* different numbers"):
        FewShotConfig([2, 2])
    with pytest.raises(ValueError, match=r"few_shot\.tasks: \[\]"):
        FewShotConfig(tasks=[])
    SweepConfig(prompts=[])


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_costs_are_numbers_from_0_on(value: float) -> None:
    with pytest.raises(ValueError, match=r"cost\.seconds_per_step: .* is not a number from 0 on"):
        CostConfig(seconds_per_step=value)


def test_tables_of_some_cells_are_printed_and_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid: Grid = write_grid(tmp_path)
    with pytest.raises(ValueError, match=r"output: .*grid does not exist"):
        Reproduction(grid).print_tables()
    worked_off(grid, "splade-HypeR", "splade-MT").print_tables()
    written = (tmp_path / "grid" / "tables" / "tables.json").read_bytes()
    capsys.readouterr()
    Reproduction(grid, ["splade-MT"]).print_tables(chosen=True)
    told = capsys.readouterr().out
    assert "SPLADE-MT" in told
    assert "SPLADE-HypeR" not in told
    assert (tmp_path / "grid" / "tables" / "tables.json").read_bytes() == written
    with pytest.raises(ValueError, match="measures: measure 'Nonsense'"):
        Reproduction(replace(grid, measures=["Nonsense"])).print_tables()
    capsys.readouterr()
    other = replace(grid, measures=["KILTRprec", "R@5"])
    worked_off(other, "splade-MT").print_tables()
    assert "left out, with one row only: table1" in capsys.readouterr().err
