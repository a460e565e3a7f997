"""Real processes: one that is killed, and two that share a grid."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.reproduction.grid import Grid
from hyper_ir.reproduction.reproduction import Reproduction
from tests.reproduction.small_grid import write_grid, yaml_of

# Sums depend on the number of threads.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def command(grid: Grid, folder: Path, *more: str) -> list[str]:
    path = yaml_of(grid, folder / f"{Path(grid.output).name}.yaml")
    return [sys.executable, "-m", "hyper_ir.reproduce", "--recipe", str(path), *more]


def training(grid: Grid, name: str) -> dict[str, object]:
    work = Reproduction(grid)
    key = work.keys(work.all_cells)[name]
    path = Path(grid.output) / "cells" / key / "training.json"
    found: dict[str, object] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("checkpoint", [1, 2, 5, 9, 13])
@pytest.mark.slow
def test_a_cell_that_is_killed_ends_with_the_same_weights(tmp_path: Path, checkpoint: int) -> None:
    whole = write_grid(tmp_path, steps=16)
    killed = replace(whole, output=str(tmp_path / "killed"))
    only = ("--only", "splade-HypeR@1")
    subprocess.run(
        command(whole, tmp_path, *only), env=ENVIRONMENT, check=True, capture_output=True
    )
    words = command(killed, tmp_path, *only)
    process = subprocess.Popen(words, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    cells = tmp_path / "killed" / "cells"
    while not any(
        int(path.parent.name.rpartition("-")[2]) >= checkpoint
        for path in cells.glob("*/training/checkpoints/checkpoint-*/run.json")
    ):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(cells.glob("*/training/checkpoints/checkpoint-*"))
    assert list((tmp_path / "killed" / "claims").glob("*.claim"))

    done = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    one, other = (training(grid, "splade-HypeR@1") for grid in (whole, killed))
    assert other["weights"] == one["weights"]
    assert other["last"] == one["last"]


def test_two_processes_share_a_grid(tmp_path: Path) -> None:
    grid = write_grid(tmp_path, parts=["main", "ablations"])
    words = command(grid, tmp_path)
    both = [
        subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    for cell in Reproduction(grid).all_cells:
        times = sum(f"] {cell.name}: " in line for text in printed for line in text.splitlines())
        assert times == 1, cell.name
    assert not list((tmp_path / "grid" / "claims").glob("*.claim"))
