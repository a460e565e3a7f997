"""Checkpoints to resume from: whole or not there, with the trainable parameters alone.

``HOME/checkpoint-STEP`` holds ``trained.safetensors``, what transformers' Trainer writes
(optimiser, schedule, random states, its own state), and ``run.json``, which is written last.
Until then the folder lies in ``HOME/.saving``.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from hyper_ir.files import fsync_directory, sha256_of, write_json

PREFIX = "checkpoint-"
PARAMETERS = "trained.safetensors"
EXTRA = "run.json"

CURE = "remove the folder to go on from the checkpoint before it, or from the start"


def aside(home: Path) -> Path:
    """Where a checkpoint is written before it is whole."""
    return home / ".saving"


def clear_aside(home: Path) -> None:
    """Throw away what an interrupted run left half-written."""
    shutil.rmtree(aside(home), ignore_errors=True)
    aside(home).mkdir(parents=True)


def finish(home: Path, step: int, extra: dict[str, Any]) -> None:
    """Give a checkpoint its name: everything of it is on disk, and its hashes are noted."""
    folder = aside(home) / f"{PREFIX}{step}"
    hashes = {}
    for path in sorted(folder.iterdir()):
        with open(path, "rb") as handle:
            os.fsync(handle.fileno())
        hashes[path.name] = sha256_of(path)
    write_json(folder / EXTRA, {**extra, "files": hashes})
    final = home / folder.name
    shutil.rmtree(final, ignore_errors=True)
    os.replace(folder, final)
    fsync_directory(home)


def steps_of(home: Path) -> list[int]:
    """The steps of all whole checkpoints, ascending."""
    names = [path.parent.name for path in home.glob(f"{PREFIX}*/{EXTRA}")]
    numbers = (name.removeprefix(PREFIX) for name in names)
    return sorted(int(number) for number in numbers if number.isdecimal())


def newest(home: Path) -> Path | None:
    """The last whole checkpoint, or None."""
    steps = steps_of(home)
    return home / f"{PREFIX}{steps[-1]}" if steps else None


def keep_newest(home: Path, count: int) -> None:
    """Remove all checkpoints but the last ``count``, and what a killed process left of one."""
    kept = {f"{PREFIX}{step}" for step in steps_of(home)[-count:]}
    for folder in home.glob(f"{PREFIX}*"):
        if folder.name not in kept:
            shutil.rmtree(folder)


def read_extra(folder: Path) -> dict[str, Any]:
    """What :func:`finish` was given; ValueError where it, or a file beside it, is damaged."""
    try:
        value: dict[str, Any] = json.loads((folder / EXTRA).read_text(encoding="utf-8"))
        int(value["step"])
        str(value["sampler"])
        hashes = dict(value.pop("files", {}))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / EXTRA}: not readable: {error}; {CURE}") from error
    for name, digest in hashes.items():
        path = folder / name
        if not path.is_file() or sha256_of(path) != digest:
            raise ValueError(f"{path}: damaged, it is not what was written; {CURE}")
    return value


def save_parameters(model: nn.Module, folder: Path) -> None:
    """Write the trainable parameters."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: p.detach().contiguous() for name, p in _trainable(model).items()}
    save_file(tensors, folder / PARAMETERS)


def load_parameters(model: nn.Module, folder: Path) -> None:
    """Read them back into the model; ValueError where they are damaged or another model's."""
    path = folder / PARAMETERS
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: not readable: {error}; {CURE}") from error
    parameters = _trainable(model)
    if tensors.keys() != parameters.keys():
        other = sorted(tensors.keys() ^ parameters.keys())
        raise ValueError(f"{path}: of another recipe: {other[0]} is trained in one of the two")
    with torch.no_grad():
        for name, parameter in parameters.items():
            if tensors[name].shape != parameter.shape:
                raise ValueError(f"{path}: of another model: {name} has another shape")
            parameter.copy_(tensors[name])


def _trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: p for name, p in model.named_parameters() if p.requires_grad}
