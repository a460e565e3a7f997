from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from hyper_ir.reproduction.attention import summary


def write(folder: Path, task: str, rows: list[list[float]]) -> None:
    folder.mkdir(exist_ok=True)
    np.savez(folder / f"{task}.npz", attention=np.array(rows, np.float32), topics=["q"] * len(rows))


def test_tasks_that_attend_apart(tmp_path: Path) -> None:
    write(tmp_path, "a", [[1, 0, 0, 0]] * 3)
    write(tmp_path, "b", [[0, 1, 0, 0]] * 150)
    found = summary(tmp_path, ["a", "b", "c"])
    assert found is not None
    assert found["jsd_between"] == pytest.approx(math.log(2))
    assert found["jsd_within"] == pytest.approx(0, abs=1e-7)
    assert (found["prompts"], found["unused"]) == (4, 2)
    assert found["means"]["b"] == [0, 1, 0, 0]


def test_one_task_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    assert summary(tmp_path / "none", ["a"]) is None
    write(tmp_path, "a", [[1, 0]])
    assert summary(tmp_path, ["a", "b"]) is None
