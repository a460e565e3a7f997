"""Encoders and their prefix attention written out: loops over texts, layers, heads, positions.

Only real tokens of a text are looked at: padding takes no part in anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

KeysValues = tuple[Tensor, Tensor]
"""One layer's prefix for one text: keys and values, each (heads, m, d / heads)."""


def naive_attention(
    query: Tensor, key: Tensor, value: Tensor, visible: Tensor, prefix: KeysValues | None
) -> Tensor:
    """softmax(q · [prefix; tokens] / √width) · values, one head and one position at a time.

    query, key, value: (heads, length, width); visible: (length, length). Returns (length, d).
    """
    heads, length, width = query.shape
    result = torch.zeros(length, heads * width, dtype=query.dtype)
    for head in range(heads):
        for position in range(length):
            keys = [key[head, j] for j in range(length) if visible[position, j]]
            values = [value[head, j] for j in range(length) if visible[position, j]]
            if prefix is not None:
                keys = [*prefix[0][head], *keys]
                values = [*prefix[1][head], *values]
            scores = [query[head, position] @ one / math.sqrt(width) for one in keys]
            exponentials = [torch.exp(score) for score in scores]
            total = sum(exponentials)
            mixed = sum(
                share / total * one for share, one in zip(exponentials, values, strict=True)
            )
            result[position, head * width : (head + 1) * width] = mixed
    return result


def naive_states(model: Any, ids: Tensor, prefixes: list[KeysValues] | None, family: str) -> Tensor:
    """The last states (length, d) of one text without padding."""
    encode: Callable[..., Tensor] = {
        "bert": _bert,
        "roberta": _bert,
        "distilbert": _distilbert,
        "modernbert": _modernbert,
    }[family]
    return encode(model, ids, prefixes)


def _bert(model: Any, ids: Tensor, prefixes: list[KeysValues] | None) -> Tensor:
    embeddings = model.embeddings
    positions = torch.arange(len(ids))
    if model.config.model_type == "roberta":
        positions = positions + model.config.pad_token_id + 1
    states = (
        embeddings.word_embeddings.weight[ids]
        + embeddings.token_type_embeddings.weight[0]
        + embeddings.position_embeddings.weight[positions]
    )
    states = _norm(embeddings.LayerNorm, states)
    visible = torch.ones(len(ids), len(ids), dtype=torch.bool)
    for i, layer in enumerate(model.encoder.layer):
        own = layer.attention.self
        q, k, v = (
            _heads(_linear(one, states), own.num_attention_heads)
            for one in (own.query, own.key, own.value)
        )
        mixed = naive_attention(q, k, v, visible, None if prefixes is None else prefixes[i])
        output = layer.attention.output
        states = _norm(output.LayerNorm, _linear(output.dense, mixed) + states)
        inner = _gelu(_linear(layer.intermediate.dense, states))
        states = _norm(layer.output.LayerNorm, _linear(layer.output.dense, inner) + states)
    return states


def _distilbert(model: Any, ids: Tensor, prefixes: list[KeysValues] | None) -> Tensor:
    embeddings = model.embeddings
    states = embeddings.word_embeddings.weight[ids]
    states = states + embeddings.position_embeddings.weight[: len(ids)]
    states = _norm(embeddings.LayerNorm, states)
    visible = torch.ones(len(ids), len(ids), dtype=torch.bool)
    for i, layer in enumerate(model.transformer.layer):
        own = layer.attention
        q, k, v = (
            _heads(_linear(one, states), own.n_heads) for one in (own.q_lin, own.k_lin, own.v_lin)
        )
        mixed = naive_attention(q, k, v, visible, None if prefixes is None else prefixes[i])
        states = _norm(layer.sa_layer_norm, _linear(own.out_lin, mixed) + states)
        inner = _linear(layer.ffn.lin2, _gelu(_linear(layer.ffn.lin1, states)))
        states = _norm(layer.output_layer_norm, inner + states)
    return states


def _modernbert(model: Any, ids: Tensor, prefixes: list[KeysValues] | None) -> Tensor:
    config = model.config
    states = _norm(model.embeddings.norm, model.embeddings.tok_embeddings.weight[ids])
    length, heads = len(ids), config.num_attention_heads
    distance = (torch.arange(length)[:, None] - torch.arange(length)[None]).abs()
    for i, layer in enumerate(model.layers):
        kind = config.layer_types[i]
        local = kind == "sliding_attention"
        visible = distance <= (config.local_attention // 2 if local else length)
        normed = states if i == 0 else _norm(layer.attn_norm, states)
        q, k, v = (_heads(part, heads) for part in _linear(layer.attn.Wqkv, normed).chunk(3, -1))
        theta = config.rope_parameters[kind]["rope_theta"]
        q, k = _rotated(q, theta), _rotated(k, theta)
        mixed = naive_attention(q, k, v, visible, None if prefixes is None else prefixes[i])
        states = states + _linear(layer.attn.Wo, mixed)
        inner, gate = _linear(layer.mlp.Wi, _norm(layer.mlp_norm, states)).chunk(2, -1)
        states = states + _linear(layer.mlp.Wo, _gelu(inner) * gate)
    return _norm(model.final_norm, states)


def _rotated(states: Tensor, theta: float) -> Tensor:
    """Rotary positions; like the model, of states and angles in float32."""
    _, length, width = states.shape
    result = states.float().double()
    rounded = result.clone()
    for position in range(length):
        for pair in range(width // 2):
            frequency = 1.0 / torch.tensor(theta) ** torch.tensor(2 * pair / width)
            angle = position * frequency
            cos, sin = torch.cos(angle).double(), torch.sin(angle).double()
            first, second = rounded[:, position, pair], rounded[:, position, pair + width // 2]
            result[:, position, pair] = first * cos - second * sin
            result[:, position, pair + width // 2] = second * cos + first * sin
    return result


def _heads(states: Tensor, heads: int) -> Tensor:
    return torch.stack(states.chunk(heads, dim=-1))


def _linear(module: Any, states: Tensor) -> Tensor:
    result: Tensor = states @ module.weight.T
    return result if module.bias is None else result + module.bias


def _norm(module: Any, states: Tensor) -> Tensor:
    mean = states.mean(-1, keepdim=True)
    variance = ((states - mean) ** 2).mean(-1, keepdim=True)
    result: Tensor = (states - mean) / torch.sqrt(variance + module.eps) * module.weight
    return result if module.bias is None else result + module.bias


def _gelu(states: Tensor) -> Tensor:
    return 0.5 * states * (1 + torch.erf(states / math.sqrt(2)))
