from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.reproduction.reproduction import Reproduction
from tests.reproduction.small_grid import worked_off, write_grid


def test_an_output_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    grid = write_grid(tmp_path)
    other = replace(grid, output=str(tmp_path / "inputs"))
    with pytest.raises(ValueError, match="inputs is not a grid's folder"):
        Reproduction(other).check()
    (tmp_path / "grid" / "cells").mkdir(parents=True)
    (tmp_path / "grid" / "tables").write_text("a file")
    with pytest.raises(ValueError, match="tables is a file; a folder is needed"):
        Reproduction(grid).check()


def test_tables_of_some_cells_are_printed_and_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path)
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
