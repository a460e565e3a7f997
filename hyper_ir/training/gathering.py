"""Tensors of all ranks, with gradient; in a run without torch.distributed, the tensor itself.

The convention of every loss here: the mean over ranks of what each rank computes is the loss of
the global batch, so that DDP's mean of the ranks' gradients is that loss's gradient.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable


def ranks() -> int:
    """How many processes train together; 1 without torch.distributed."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process's number among them, from 0."""
    return dist.get_rank() if ranks() > 1 else 0


def barrier() -> None:
    """Wait for all ranks; nothing without torch.distributed."""
    if ranks() > 1:
        dist.barrier()


def rows_of_ranks(local: Tensor) -> list[int]:
    """How many rows ``local`` has on each rank; all ranks must ask together."""
    if ranks() == 1:
        return [len(local)]
    sizes = [torch.zeros(1, dtype=torch.int64, device=local.device) for _ in range(ranks())]
    dist.all_gather(sizes, torch.tensor([len(local)], device=local.device))
    return [int(size) for size in sizes]


def gathered(local: Tensor, rows: list[int] | None = None) -> Tensor:
    """The rows of all ranks in rank order: ``(n, …)`` on each to ``(Σ n, …)`` on all.

    A row's gradient is the sum of what every rank's loss asks of it, as the convention needs.

    Parameters
    ----------
    rows: what :func:`rows_of_ranks` gave for as many rows, where it is known already.
    """
    if ranks() == 1:
        return local
    rows = rows_of_ranks(local) if rows is None else rows
    result: Tensor = _Gathered.apply(local, rows)  # type: ignore[no-untyped-call]
    return result


def summed(local: Tensor) -> Tensor:
    """The sum of a tensor over the ranks, with gradient."""
    if ranks() == 1:
        return local
    result: Tensor = _Summed.apply(local)  # type: ignore[no-untyped-call]
    return result


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, local: Tensor, rows: list[int]) -> Tensor:
        ctx.rows = rows
        padded = local.new_zeros(max(rows), *local.shape[1:])
        padded[: len(local)] = local
        parts = [torch.empty_like(padded) for _ in rows]
        dist.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, rows, strict=True)])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(gradient)
        return torch.split(gradient, ctx.rows)[rank()], None


class _Summed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, local: Tensor) -> Tensor:
        total = local.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(gradient)
        return gradient
