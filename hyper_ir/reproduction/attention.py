"""How a cell's queries attend to its prompts, task by task, in a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hyper_ir.training.measures import measures_of_attention

PER_TASK = 100
"""Queries of a task that are compared with all others: pairs grow with the square."""

USED = 0.1
"""A prompt is used where its mean attention is at least this part of an equal share."""


def summary(folder: Path, tasks: Sequence[str]) -> dict[str, Any] | None:
    """Divergence between and within tasks, prompts that are not used, and each task's mean.

    ``folder`` holds ``TASK.npz``. None where fewer than two tasks are there.
    """
    there = [task for task in tasks if (folder / f"{task}.npz").is_file()]
    if len(there) < 2:
        return None
    found = {task: _attention(folder / f"{task}.npz") for task in there}
    sampled = [_evenly(attention, PER_TASK) for attention in found.values()]
    numbers = [np.full(len(each), number) for number, each in enumerate(sampled)]
    measures = measures_of_attention(
        torch.from_numpy(np.concatenate(sampled)), torch.from_numpy(np.concatenate(numbers))
    )
    means = {task: attention.mean(0) for task, attention in found.items()}
    overall = np.mean(list(means.values()), axis=0)
    prompts = len(overall)
    return {
        "prompts": prompts,
        "unused": int((overall < USED / prompts).sum()),
        "queries_per_task": PER_TASK,
        **{name.partition("/")[2]: float(value) for name, value in measures.items()},
        "means": {task: mean.tolist() for task, mean in means.items()},
    }


def _attention(path: Path) -> np.ndarray[Any, Any]:
    with np.load(path, allow_pickle=False) as arrays:
        attention: np.ndarray[Any, Any] = arrays["attention"]
    return attention


def _evenly(rows: np.ndarray[Any, Any], most: int) -> np.ndarray[Any, Any]:
    """At most so many rows, from the first to the last at equal distances."""
    places = np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))
    chosen: np.ndarray[Any, Any] = rows[places]
    return chosen
