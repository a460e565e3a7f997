"""Attention over texts laid end to end, without padding: for inference on a GPU.

A batch of texts is one row of all their tokens; each token attends to those of its own text. On a
GPU that is one kernel (``torch.nn.attention.varlen``, in half precision); elsewhere the texts are
taken one by one, which is for tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface

from hyper_ir.models.prefix_attention import IMPLEMENTATIONS as WITH_PREFIXES

IMPLEMENTATION = "hyper_ir_packed"

_ARGUMENT = "hyper_ir_packing"


class Packing(NamedTuple):
    """Where the texts of a packed row stand.

    Attributes
    ----------
    starts: ``(texts + 1,)``, int32: each text's first token, and the end of the last.
    positions: ``(tokens,)``, int64: each token's place in its own text, from 0.
    longest: tokens of the longest text.
    """

    starts: Tensor
    positions: Tensor
    longest: int

    @classmethod
    def of(cls, lengths: Sequence[int], device: torch.device) -> Packing:
        """The packing of texts of these lengths, in this order."""
        starts = torch.tensor([0, *lengths], dtype=torch.int32).cumsum(0, dtype=torch.int32)
        positions = torch.cat([torch.arange(length) for length in lengths])
        return cls(sent(starts, device), sent(positions, device), max(lengths))

    def padded(self, rows: Tensor) -> Tensor:
        """Rows of tokens, (tokens, …), as (texts, longest, …); padding repeats other rows."""
        places = self.starts[:-1, None] + torch.arange(self.longest, device=rows.device)
        return rows[places.clamp(max=len(rows) - 1)]


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device; to a GPU through pinned memory, without waiting for it."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def enable_packing(model: PreTrainedModel) -> bool:
    """Make a model take packed rows; False, and nothing changed, where it cannot."""
    before = model.config._attn_implementation
    if getattr(model.config, "is_decoder", False) or before not in (
        "sdpa",
        *WITH_PREFIXES.values(),
    ):
        return False
    model.set_attn_implementation(IMPLEMENTATION)
    if model.config._attn_implementation != IMPLEMENTATION:
        return False
    probe = _Probe()
    training = model.training
    model.eval()
    ids = torch.zeros((1, 2), dtype=torch.long, device=model.device)
    try:
        with torch.no_grad():
            model(
                input_ids=ids,
                position_ids=_positions(model, Packing.of([2], ids.device)),
                **{_ARGUMENT: probe},
            )
    except TypeError:
        probe.layers = 0
    finally:
        model.train(training)
    if probe.layers == int(model.config.num_hidden_layers):
        return True
    model.set_attn_implementation(before)
    return False


def packed_arguments(model: PreTrainedModel, packing: Packing) -> dict[str, Any]:
    """What a model is given besides the packed ids, ``(1, tokens)``."""
    return {"position_ids": _positions(model, packing), _ARGUMENT: packing}


class _Probe:
    """Stands in a packing's place and counts the layers, none of them causal, it reaches."""

    def __init__(self) -> None:
        self.layers = 0


def _positions(model: PreTrainedModel, packing: Packing) -> Tensor:
    """``position_ids`` of the family, (1, tokens): RoBERTa's start behind the padding id."""
    offset = int(model.config.pad_token_id or 0) + 1 if "roberta" in model.config.model_type else 0
    return packing.positions.unsqueeze(0) + offset


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **arguments: Any,
) -> tuple[Tensor, None]:
    """transformers' signature: ``(1, heads, tokens, width)`` to ``(1, tokens, heads, width)``."""
    packing = arguments.get(_ARGUMENT)
    if isinstance(packing, _Probe):
        packing.layers += not getattr(module, "is_causal", False)
        return query.transpose(1, 2), None
    if not isinstance(packing, Packing):
        raise ValueError(f"{type(module).__name__}: prepared for packed texts, given padded ones")
    window = arguments.get("sliding_window")
    if window is not None:
        window -= 1  # transformers counts the token itself
    scale = arguments.get("scaling") or query.shape[-1] ** -0.5
    query, key, value = (part[0].transpose(0, 1) for part in (query, key, value))
    attend = _on_gpu if query.device.type == "cuda" else _one_by_one
    return attend(query, key, value, packing, float(scale), window).unsqueeze(0), None


def _on_gpu(
    query: Tensor, key: Tensor, value: Tensor, packing: Packing, scale: float, window: int | None
) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    reach = (-1, -1) if window is None else (window, window)
    starts, longest = packing.starts, packing.longest
    result = varlen_attn(
        query.contiguous(),
        key.contiguous(),
        value.contiguous(),
        starts,
        starts,
        longest,
        longest,
        scale=scale,
        window_size=reach,
    )
    assert isinstance(result, Tensor)
    return result


def _one_by_one(
    query: Tensor, key: Tensor, value: Tensor, packing: Packing, scale: float, window: int | None
) -> Tensor:
    results = []
    for start, end in zip(packing.starts[:-1].tolist(), packing.starts[1:].tolist(), strict=True):
        q, k, v = (part[start:end].transpose(0, 1) for part in (query, key, value))
        places = torch.arange(end - start)
        near = (places[:, None] - places[None]).abs() <= (end if window is None else window)
        attended = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=near, scale=scale)
        results.append(attended.transpose(0, 1))
    return torch.cat(results)


def _no_mask(**_: Any) -> None:
    """No token of another text is seen anyway: the kernel knows where texts end."""


AttentionInterface.register(IMPLEMENTATION, _attend)
AttentionMaskInterface.register(IMPLEMENTATION, _no_mask)
