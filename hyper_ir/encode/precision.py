"""The two modes of encoding: ``exact`` and ``fast``."""

from __future__ import annotations

import copy
from typing import Literal, get_args

import torch

from hyper_ir.models.arithmetic import has_fast_bfloat16
from hyper_ir.models.packed_attention import enable_packing
from hyper_ir.models.towers import Tower

Mode = Literal["exact", "fast"]
"""``exact``: float32, impacts as the plain computation gives them. ``fast``: the transformer in
half precision where the machine has it; many impacts then differ, by a few units at most."""

_NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}


def chosen_type(mode: Mode, device: torch.device, fp16: bool = False) -> torch.dtype:
    """The type that the transformer computes in.

    ``fast`` is bfloat16 where products in it take less time than in float32, float16 on a GPU
    where asked for, else float32. Raises ValueError for an unknown mode, and for fp16 without a
    GPU.
    """
    if mode not in get_args(Mode):
        raise ValueError(f"mode: {mode!r} is none of {', '.join(get_args(Mode))}")
    if fp16 and device.type != "cuda":
        raise ValueError(f"fp16 needs a GPU; the device is {device}")
    if fp16:
        return torch.float16
    if mode == "fast" and has_fast_bfloat16(device):
        return torch.bfloat16
    return torch.float32


def type_name(kind: torch.dtype) -> str:
    """The type's name for a manifest."""
    return _NAMES[kind]


def in_type(tower: Tower, kind: torch.dtype) -> Tower:
    """The tower itself, or in half precision one with a copy of its transformer in that type.

    The head and the prompts stay in float32: the head takes more from it than it costs.
    """
    if kind == torch.float32:
        return tower
    # The decoder may be the embedding table itself: the head must not follow it into half.
    return Tower(copy.deepcopy(tower.backbone).to(kind), tower.head, tower.prompts)


def can_be_packed(tower: Tower, device: torch.device, kind: torch.dtype) -> bool:
    """Whether texts go through this tower without padding, now made ready for it.

    On GPUs in half precision, without prompts: the kernel for texts of differing length has no
    other types and knows no prefixes.
    """
    if device.type != "cuda" or kind == torch.float32 or tower.prompts is not None:
        return False
    return enable_packing(tower.backbone.model)
