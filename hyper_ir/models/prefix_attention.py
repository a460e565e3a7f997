"""Key and value prefixes in the self-attention of any Hugging Face encoder (METHOD §3).

transformers lets an attention function be registered under a name. The one here puts a layer's
prefix before the tokens' keys and values and leaves the rest to the function it stands for. So a
prefix has no position, is visible from everywhere (also through a sliding window) and emits no
state.

A prefix travels as an argument of the model's forward pass down to each attention layer. Nothing
is kept between calls: recomputation under gradient checkpointing, threads and nested calls all
see the prefix of their own call.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, AttentionMaskInterface
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from hyper_ir.models.bottleneck_attention import bottleneck_attention, is_cheaper

IMPLEMENTATIONS = {"sdpa": "hyper_ir_sdpa", "eager": "hyper_ir_eager"}
"""Each of transformers' implementations, and the name of the one with prefixes."""

_ARGUMENT = "hyper_ir_prefix"
_LAYER = "hyper_ir_layer"


class LayerPrefix(NamedTuple):
    """One layer's prefix, before its last linear map: keys and values are built in the layer.

    That holds ``batch × m × d_p`` numbers once for all layers, not ``2 × d`` a position for each;
    under gradient checkpointing keys and values are not kept either.

    Attributes
    ----------
    hidden: ``(batch, m, d_p)``, or ``(1, m, d_p)`` for one prefix that all queries share.
    weight: ``(2 × d, d_p)``: rows of keys, then of values, each ordered by head.
    bias: ``(2 × d,)`` or None.
    dropout: share of key and value components set to 0; 0 outside training.
    """

    hidden: Tensor
    weight: Tensor
    bias: Tensor | None = None
    dropout: float = 0.0

    def keys_values(self, heads: int) -> tuple[Tensor, Tensor]:
        """Keys and values, each ``(batch or 1, heads, m, d / heads)``."""
        joined = nn.functional.linear(self.hidden, self.weight, self.bias)
        if self.dropout:
            joined = nn.functional.dropout(joined, self.dropout)
        split = joined.view(*joined.shape[:2], 2, heads, joined.shape[2] // (2 * heads))
        keys, values = split.permute(2, 0, 3, 1, 4).unbind(0)
        return keys, values


Prefix = tuple[LayerPrefix, ...]
"""The prefixes of a model's layers, first layer first."""


class _Reached(NamedTuple):
    """An attention module and what it was given, each ``(batch, heads, length, d / heads)``."""

    module: nn.Module
    query: Tensor
    key: Tensor
    value: Tensor


class _Probe:
    """Stands in a prefix's place and notes which attention modules it reaches, and with what."""

    def __init__(self) -> None:
        self.reached: list[_Reached] = []


def enable_prefixes(model: PreTrainedModel) -> int:
    """Make a model take prefixes, and return the number of its layers.

    Without a prefix the model computes what it did, bit for bit. Calling it again is harmless.

    Raises
    ------
    ValueError
        When prefixes would be ignored: a probe must reach the attention of each layer once.
        Also for decoders and for attention other than sdpa and eager.
    """
    name = type(model).__name__
    _set_implementation(model, name)
    ids = torch.zeros((1, 2), dtype=torch.long, device=model.device)
    try:
        probe = _probed(model, ids, torch.ones_like(ids))
    except TypeError as error:
        raise ValueError(f"{name}: its forward pass takes no prefixes: {error}") from error
    _require_every_layer(model, probe, name)
    for layer, reached in enumerate(probe.reached):
        setattr(reached.module, _LAYER, layer)
    return len(probe.reached)


def keys_and_values(
    model: PreTrainedModel, input_ids: Tensor, attention_mask: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """What a prefix stands beside: each layer's keys and values of a text's own tokens.

    ``input_ids`` and ``attention_mask``: (batch, length). All that is returned is
    ``(batch, heads, length, d / heads)``, without gradient. Raises ValueError for a model that
    has not been through :func:`enable_prefixes`.
    """
    _require_enabled(model)
    probe = _probed(model, input_ids, attention_mask)
    return [(reached.key, reached.value) for reached in probe.reached]


def attention_queries(
    model: PreTrainedModel, input_ids: Tensor, attention_mask: Tensor
) -> list[Tensor]:
    """What would attend to a prefix: each layer's queries of a text's tokens.

    As :func:`keys_and_values`: ``(batch, heads, length, d / heads)``, without gradient.
    """
    _require_enabled(model)
    return [reached.query for reached in _probed(model, input_ids, attention_mask).reached]


def _probed(model: PreTrainedModel, input_ids: Tensor, attention_mask: Tensor) -> _Probe:
    """A probe that has been through a model in evaluation mode."""
    probe = _Probe()
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            model(input_ids=input_ids, attention_mask=attention_mask, **{_ARGUMENT: probe})
    finally:
        model.train(training)
    return probe


def prefix_arguments(model: PreTrainedModel, prefix: Prefix) -> dict[str, Any]:
    """The keyword arguments that hand ``prefix`` to ``model``'s forward pass.

    Raises ValueError when the model would ignore or misplace it.
    """
    _require_enabled(model)
    if len(prefix) != model.config.num_hidden_layers:
        raise ValueError(
            f"a prefix for {len(prefix)} layers; "
            f"{type(model).__name__} has {model.config.num_hidden_layers}"
        )
    if model.training and not torch.compiler.is_compiling():
        _refuse_reentrant_checkpointing(model)
    return {_ARGUMENT: prefix}


def _require_enabled(model: PreTrainedModel) -> None:
    if model.config._attn_implementation not in IMPLEMENTATIONS.values():
        raise ValueError(
            f"{type(model).__name__}: its attention is {model.config._attn_implementation}, which "
            "ignores prefixes; call enable_prefixes(model) first, and after changing it"
        )


def _set_implementation(model: PreTrainedModel, name: str) -> None:
    current = model.config._attn_implementation
    if getattr(model.config, "is_decoder", False):
        raise ValueError(f"{name}: a decoder; prefixes are for encoders")
    if current in IMPLEMENTATIONS.values():
        return
    if current not in IMPLEMENTATIONS:
        raise ValueError(
            f"{name}: prefixes need sdpa or eager attention, not {current}; load the model with "
            'attn_implementation="sdpa"'
        )
    model.set_attn_implementation(IMPLEMENTATIONS[current])
    if model.config._attn_implementation != IMPLEMENTATIONS[current]:
        raise ValueError(
            f"{name}: its attention cannot be replaced through transformers' AttentionInterface, "
            "so prefixes would be ignored; BERT, DistilBERT, RoBERTa and ModernBERT can be used"
        )


def _require_every_layer(model: PreTrainedModel, probe: _Probe, name: str) -> None:
    layers = int(model.config.num_hidden_layers)
    modules = {id(reached.module) for reached in probe.reached}
    if len(probe.reached) != layers or len(modules) != layers:
        raise ValueError(
            f"{name}: prefixes reach {len(probe.reached)} attention layers ({len(modules)} "
            f"different ones) of {layers}, so they would be ignored or shared; "
            "BERT, DistilBERT, RoBERTa and ModernBERT can be used"
        )
    for reached in probe.reached:
        heads, width = reached.key.shape[1], reached.key.shape[3]
        if getattr(reached.module, "is_causal", False):
            raise ValueError(f"{name}: its attention is causal; prefixes are for encoders")
        if heads * width != model.config.hidden_size:
            raise ValueError(
                f"{name}: {heads} heads of {width} components are not the hidden size "
                f"{model.config.hidden_size}"
            )


def _refuse_reentrant_checkpointing(model: nn.Module) -> None:
    """Reentrant checkpointing sends gradients to positional arguments alone: not to a prefix."""
    for module in model.modules():
        if getattr(module, "gradient_checkpointing", False):
            function = getattr(module, "_gradient_checkpointing_func", None)
            if getattr(function, "keywords", {}).get("use_reentrant", True):
                raise ValueError(
                    "gradient checkpointing: the reentrant form loses a prefix's gradient; "
                    'set gradient_checkpointing_kwargs={"use_reentrant": False}'
                )


def _attend(
    implementation: str,
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **arguments: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attention over [prefix; tokens]: transformers' signature and layout.

    Parameters
    ----------
    query, key, value: ``(batch, heads, length, d / heads)``.
    attention_mask: ``(batch, 1, length, length)``, boolean (sdpa) or additive (eager), or None.

    Returns
    -------
    ``(batch, length, heads, d / heads)``, and attention weights where the function gives them.
    """
    prefix = arguments.pop(_ARGUMENT, None)
    if isinstance(prefix, _Probe):
        prefix.reached.append(_Reached(module, query, key, value))
    elif prefix is not None:
        layer = _of_layer(module, prefix)
        if implementation == "sdpa" and not layer.dropout and _is_short(query, layer):
            scaling = arguments.get("scaling") or query.shape[-1] ** -0.5
            dropout = arguments.get("dropout", 0.0)
            tensors = (query, key, value, attention_mask, *layer[:3])
            return bottleneck_attention(*tensors, scaling, dropout), None
        key, value, attention_mask = _extended(layer, key, value, attention_mask)
    if implementation == "sdpa":
        attend = ALL_ATTENTION_FUNCTIONS["sdpa"]
    else:
        # Families differ in the softmax's precision: the module's own function is taken.
        attend = sys.modules[type(module).__module__].eager_attention_forward
    result: tuple[Tensor, Tensor | None] = attend(
        module, query, key, value, attention_mask, **arguments
    )
    return result


def _of_layer(module: nn.Module, prefix: Prefix) -> LayerPrefix:
    layer: int | None = getattr(module, _LAYER, None)
    if layer is None:
        raise ValueError(f"{type(module).__name__}: not prepared by enable_prefixes")
    return prefix[layer]


def _is_short(query: Tensor, layer: LayerPrefix) -> bool:
    """Whether the text is so short that the prefix's keys and values had better not be built."""
    batch, heads, length, width = query.shape
    return is_cheaper(batch, length, heads, width, layer.hidden)


def _extended(
    layer: LayerPrefix, key: Tensor, value: Tensor, mask: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Keys, values and mask with the layer's prefix before the tokens."""
    more_keys, more_values = layer.keys_values(key.shape[1])
    length = more_keys.shape[2]
    if length == 0:
        return key, value, mask
    shape = (len(key), -1, -1, -1)
    key = torch.cat([more_keys.to(key.dtype).expand(shape), key], dim=2)
    value = torch.cat([more_values.to(value.dtype).expand(shape), value], dim=2)
    if mask is not None:
        visible = True if mask.dtype == torch.bool else 0.0
        mask = nn.functional.pad(mask, (length, 0), value=visible)
    return key, value, mask


def _attend_sdpa(module: nn.Module, *tensors: Any, **arguments: Any) -> Any:
    return _attend("sdpa", module, *tensors, **arguments)


def _attend_eager(module: nn.Module, *tensors: Any, **arguments: Any) -> Any:
    return _attend("eager", module, *tensors, **arguments)


AttentionInterface.register(IMPLEMENTATIONS["sdpa"], _attend_sdpa)
AttentionInterface.register(IMPLEMENTATIONS["eager"], _attend_eager)
for _name, _registered in IMPLEMENTATIONS.items():
    AttentionMaskInterface.register(_registered, ALL_MASK_ATTENTION_FUNCTIONS[_name])
