from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from hyper_ir.training import checkpoints


def write(home: Path, step: int, model: nn.Module) -> None:
    checkpoints.clear_aside(home)
    folder = checkpoints.aside(home) / f"checkpoint-{step}"
    checkpoints.save_parameters(model, folder)
    checkpoints.finish(home, step, {"step": step, "sampler": "s"})


def test_the_newest_whole_checkpoint_is_taken(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    assert checkpoints.newest(tmp_path) is None
    for step in (2, 10, 4):
        write(tmp_path, step, model)
    (tmp_path / "checkpoint-11").mkdir()  # killed before it was whole by hand of another tool
    assert checkpoints.newest(tmp_path) == tmp_path / "checkpoint-10"
    assert checkpoints.read_extra(tmp_path / "checkpoint-10") == {"step": 10, "sampler": "s"}
    checkpoints.keep_newest(tmp_path, 2)
    assert checkpoints.steps_of(tmp_path) == [4, 10]


def test_half_written_ones_are_not_there(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    checkpoints.clear_aside(tmp_path)
    checkpoints.save_parameters(model, checkpoints.aside(tmp_path) / "checkpoint-3")
    assert checkpoints.newest(tmp_path) is None
    checkpoints.clear_aside(tmp_path)
    assert not list(checkpoints.aside(tmp_path).iterdir())


def test_parameters_come_back_and_frozen_ones_are_not_kept(tmp_path: Path) -> None:
    first, second = nn.Linear(2, 3), nn.Linear(3, 1)
    model = nn.Sequential(first, second)
    first.requires_grad_(False)
    before = second.weight.detach().clone()
    checkpoints.save_parameters(model, tmp_path)
    frozen = first.weight.detach().clone()
    with torch.no_grad():
        second.weight.zero_()
    checkpoints.load_parameters(model, tmp_path)
    assert torch.equal(second.weight, before)
    assert torch.equal(first.weight, frozen)


def test_damage_and_other_models_are_named(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    checkpoints.save_parameters(model, tmp_path)
    with pytest.raises(ValueError, match="another shape"):
        checkpoints.load_parameters(nn.Linear(3, 2), tmp_path)
    with pytest.raises(ValueError, match="another recipe"):
        checkpoints.load_parameters(nn.Linear(2, 2, bias=False), tmp_path)
    path = tmp_path / checkpoints.PARAMETERS
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match="not readable"):
        checkpoints.load_parameters(model, tmp_path)
    (tmp_path / checkpoints.EXTRA).write_text('{"step": "x"')
    with pytest.raises(ValueError, match=r"run\.json"):
        checkpoints.read_extra(tmp_path)
