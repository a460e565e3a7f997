"""What the machine's matrix products reach at their best, beside which encoding is held."""

from __future__ import annotations

import time
from typing import Any

import torch

from benchmarks.worker import Work

SIZES = {"cpu": (1024, 2048), "cuda": (4096, 8192, 16384)}
LEAST_SECONDS = 0.3
"""Each size of each type is multiplied for so long."""


def matrix_peak(device: str = "cpu", sizes: tuple[int, ...] = ()) -> Work:
    """A worker's function: operations a second of products in each type, the best of some sizes."""
    kind = torch.device(device).type
    dtypes = {"float32": torch.float32, "bfloat16": torch.bfloat16, "int8": torch.int8}

    def work(task: dict[str, Any]) -> dict[str, Any]:
        start = time.perf_counter()
        best = {
            name: max(rate(size, dtype, device) for size in sizes or SIZES[kind])
            for name, dtype in dtypes.items()
        }
        return {"seconds": time.perf_counter() - start, "operations_per_second": best}

    return work


@torch.inference_mode()
def rate(size: int, dtype: torch.dtype, device: str, least: float = LEAST_SECONDS) -> float:
    """Operations a second of a product of two square matrices; 0 where there is none."""
    multiply = torch._int_mm if dtype == torch.int8 else torch.mm
    left, right = (torch.randn(size, size, device=device).mul_(9).to(dtype) for _ in range(2))
    try:
        multiply(left, right)
    except (RuntimeError, NotImplementedError):
        return 0.0
    _wait(device)
    times, start = 0, time.perf_counter()
    while True:
        multiply(left, right)
        _wait(device)
        times += 1
        seconds = time.perf_counter() - start
        if seconds > least:
            return 2.0 * size**3 * times / seconds


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()
