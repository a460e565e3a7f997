"""Real processes: two ranks under torchrun against one, and a run that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from hyper_ir.training.batch_config import BatchConfig
from hyper_ir.training.recipe import LogConfig, OptimiserConfig, Recipe, TeacherConfig
from tests.training.small_run import journal, recipe, without_dropout, yaml_of

STEPS = 50

SLOW_FORMS = ("grad-cache", "teacher")

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def command(made: Recipe, folder: Path, *more: str) -> list[str]:
    path = yaml_of(made, folder / f"{Path(made.output).name}.yaml")
    return ["-m", "hyper_ir.train", "--config", str(path), *more]


def alone(made: Recipe, folder: Path) -> None:
    """Train in a process of its own with one thread: sums depend on the number of threads."""
    words = [sys.executable, *command(made, folder)]
    subprocess.run(words, env=ENVIRONMENT, capture_output=True, check=True)


def momenta(made: Recipe, step: int) -> list[torch.Tensor]:
    """Adam's first momenta: after one step, a tenth of the gradient."""
    path = Path(made.output) / "checkpoints" / f"checkpoint-{step}" / "optimizer.pt"
    state = torch.load(path, weights_only=True)["state"]
    return [state[number]["exp_avg"].flatten() for number in sorted(state)]


def trained(made: Recipe, step: int) -> dict[str, torch.Tensor]:
    return load_file(
        Path(made.output) / "checkpoints" / f"checkpoint-{step}" / "trained.safetensors"
    )


@pytest.mark.parametrize(
    "form", ["plain", *(pytest.param(form, marks=pytest.mark.slow) for form in SLOW_FORMS)]
)
def test_two_ranks_train_as_one_does(tmp_path: Path, form: str) -> None:
    batch = BatchConfig(size=6, negatives=2)
    if form == "grad-cache":
        batch = replace(batch, chunk_tokens=24, grad_cache=True)
    one = recipe(
        tmp_path,
        batch=batch,
        optimiser=OptimiserConfig(max_steps=STEPS, backbone_rate=1e-4, prompt_rate=1e-3, clip=0),
        log=LogConfig(every=1, save_every=1, keep=STEPS),
    )
    one = replace(one, validation=replace(one.validation, every=25))
    if form == "teacher":
        one = replace(
            one, teacher=TeacherConfig(one.model, head="dense", temperature=1.0, bm25=0.3)
        )
    without_dropout(Path(one.model))
    alone(one, tmp_path)
    two = replace(one, output=str(tmp_path / "two"))
    runner = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    runner += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    done = subprocess.run(
        [*runner, *command(two, tmp_path)], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for mine, other in zip(journal(one), journal(two), strict=True):
        if mine["step"] <= 1:
            assert mine.keys() == other.keys()
            for name, value in mine.items():
                if name == "accuracy":  # it jumps where two scores are a rounding apart
                    continue
                assert other[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
    # As a whole: keys' biases have no gradient but rounding.
    first, second = (torch.cat(momenta(made, 1)).double() for made in (one, two))
    assert float((first - second).norm() / first.norm()) < 1e-5
    last, other = journal(one)[-2], journal(two)[-2]
    assert last["step"] == STEPS
    for name in ("query/active_terms", "document/active_terms"):
        assert other[name] == pytest.approx(last[name], rel=0.01), name


def test_a_run_that_is_killed_resumes_to_the_very_same_parameters(tmp_path: Path) -> None:
    optimiser = OptimiserConfig(max_steps=40, backbone_rate=1e-3, prompt_rate=1e-2)
    whole = recipe(tmp_path, optimiser=optimiser, log=LogConfig(every=5, save_every=5))
    alone(whole, tmp_path)
    killed = replace(whole, output=str(tmp_path / "killed"))
    words = [sys.executable, *command(killed, tmp_path)]
    process = subprocess.Popen(words, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    checkpoints = tmp_path / "killed" / "checkpoints"
    deadline = time.monotonic() + 120
    while not list(checkpoints.glob("checkpoint-1?")) and time.monotonic() < deadline:
        time.sleep(0.01)
    begun = list(checkpoints.glob("checkpoint-1?"))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert begun, "it was killed too early"
    assert not (tmp_path / "killed" / "result.json").exists(), "it was killed too late"
    done = subprocess.run([*words, "--resume"], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = trained(whole, 40), trained(killed, 40)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert journal(whole) == journal(killed)
    assert json.loads((tmp_path / "killed" / "result.json").read_text())["steps"] == 40
