"""Contenders for the harness's tests: each is run in a process of its own."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np
import torch

from benchmarks.worker import Work


def counting(start: int) -> Work:
    calls = start

    def work(task: dict[str, Any]) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        return {"seconds": float(calls), "task": task, "threads": torch.get_num_threads()}

    return work


def noisy() -> Work:
    print("loading 100 %")

    def work(task: dict[str, Any]) -> dict[str, Any]:
        os.write(1, b'{"seconds": 666}\n')
        return {"seconds": 1.0}

    return work


def unloadable() -> Work:
    raise ValueError("the model has no head")


def failing() -> Work:
    def work(task: dict[str, Any]) -> dict[str, Any]:
        raise ValueError("text 7 broke it")

    return work


def stuck() -> Work:
    threading.Event().wait()
    raise AssertionError


def hungry() -> Work:
    def work(task: dict[str, Any]) -> dict[str, Any]:
        return {"seconds": 0.0, "sum": float(np.ones(task["bytes"], np.int8)[::4096].sum())}

    return work
