"""Prefixes fitted to keys and values of real tokens."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from hyper_ir.models.backbone import Backbone
from hyper_ir.models.prefix_attention import attention_queries, enable_prefixes, keys_and_values
from hyper_ir.models.prefix_initialisation import QUIET
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompt_initialisation import new_prompts
from hyper_ir.models.prompts import PromptSynthesiser
from hyper_ir.models.retriever import Retriever
from tests.tiny_models import FAMILIES, save_checkpoint

SETTINGS: dict[str, Any] = {"prompts": 3, "length": 4, "query_hidden": 8, "prefix_hidden": 16}


@pytest.fixture(scope="module", params=FAMILIES)
def backbone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    folder: Path = save_checkpoint(tmp_path_factory.mktemp("model"), request.param)
    backbone = Retriever.from_pretrained(folder).query.backbone
    enable_prefixes(backbone.model)
    return backbone


def queries(seed: int = 0, count: int = 24) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(10, 60, (count, 9), generator=generator)
    mask = torch.ones_like(ids)
    mask[::2, 6:] = 0
    return [(ids[:12], mask[:12]), (ids[12:], mask[12:])]


def prefixes(prompts: PromptSynthesiser) -> Tensor:
    """What each prompt encodes to alone, (N, m, 2·L·d)."""
    with torch.no_grad():
        encoded: Tensor = prompts.prefix_up(prompts.bottleneck(prompts.prompts))
    return encoded


def tokens_of(backbone: Backbone, batches: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Keys and values of all tokens but special ones, naively: (tokens, 2·L·d)."""
    found = []
    for ids, mask in batches:
        for row, seen in zip(ids, mask, strict=True):
            layers = keys_and_values(backbone.model, row[None], seen[None])
            for place in range(1, int(seen.sum()) - 1):
                parts = [part[0, :, place].flatten() for pair in layers for part in pair]
                found.append(torch.cat(parts))
    return torch.stack(found)


@pytest.mark.parametrize("preset", ["paper", "prefix-tuning", "released"])
def test_prefixes_start_as_tokens_of_the_queries(backbone: Backbone, preset: str) -> None:
    changes = SETTINGS | ({"prompts": 1} if preset == "prefix-tuning" else {})
    start = {"prefix_initialisation": "activations", "initialisation": "words"}
    config = PromptConfig.preset(preset, **changes | start)
    batches = queries()
    found = prefixes(new_prompts(config, backbone, batches)).flatten(0, 1)
    tokens = tokens_of(backbone, batches)
    nearest = torch.cdist(found, tokens).amin(1)
    assert nearest.mean() < 0.5 * tokens.norm(dim=1).mean()
    random = prefixes(
        new_prompts(
            PromptConfig.preset(preset, **changes, initialisation="words"), backbone, batches
        )
    ).flatten(0, 1)
    assert nearest.mean() < 0.5 * torch.cdist(random, tokens).amin(1).mean()


def by_layer(states: Tensor, backbone: Backbone) -> tuple[Tensor, Tensor]:
    """Keys and values apart, each (..., L, d)."""
    layers = int(backbone.model.config.num_hidden_layers)
    keys, values = states.view(*states.shape[:-1], layers, 2, -1).unbind(-2)
    return keys, values


def states(prompts: PromptSynthesiser) -> Tensor:
    """As :func:`prefixes`, in double precision, its rows flat: (N, m, 2·L·d)."""
    with torch.no_grad():
        hidden = prompts.bottleneck(prompts.prompts).double()
        found: Tensor = hidden @ prompts.prefix_up.weight.double().T
        return found + prompts.prefix_up.bias.double()


def mean_attention(backbone: Backbone, prompts: PromptSynthesiser) -> float:
    """The share of the attention that all tokens of the queries pay to a prefix, by a softmax."""
    keys, _ = by_layer(prefixes(prompts)[0], backbone)
    shares = []
    for ids, mask in queries():
        asking = attention_queries(backbone.model, ids, mask)
        for layer, (query, (own, _)) in enumerate(
            zip(asking, keys_and_values(backbone.model, ids, mask), strict=True)
        ):
            heads, width = query.shape[1], query.shape[3]
            prefix = (
                keys[:, layer].view(-1, heads, width).transpose(0, 1).expand(len(ids), -1, -1, -1)
            )
            scores = query @ torch.cat([prefix, own], 2).transpose(2, 3) / width**0.5
            hidden = torch.cat([torch.ones(len(ids), prefix.shape[2], dtype=mask.dtype), mask], 1)
            scores = scores.masked_fill(~hidden[:, None, None].bool(), float("-inf"))
            share = scores.softmax(-1)[..., : prefix.shape[2]].sum(-1)
            shares.append(share.transpose(1, 2)[mask.bool()].mean())
    return float(torch.stack(shares).mean())


def with_common_queries(backbone: Backbone) -> Backbone:
    """The same backbone, its queries with something in common, as those of trained models have."""
    changed = copy.deepcopy(backbone)
    generator = torch.Generator().manual_seed(5)
    for module in changed.model.modules():
        for name in ("query", "q_lin", "Wqkv"):
            layer = getattr(module, name, None)
            if isinstance(layer, torch.nn.Linear) and layer.bias is not None:
                layer.bias.data += torch.randn(layer.bias.shape, generator=generator)
    return changed


@pytest.mark.parametrize("form", ["kmeans", "normal", "prefix-tuning", "released", "bias"])
def test_a_quiet_start_gets_hardly_any_attention(backbone: Backbone, form: str) -> None:
    forms: dict[str, dict[str, Any]] = {
        "normal": {"initialisation": "normal"},
        "prefix-tuning": {"preset": "prefix-tuning", "prompts": 1},
        "released": {"preset": "released"},
        "bias": {"bias": True},
    }
    settings = {"preset": "paper", **SETTINGS, **forms.get(form, {})}
    name = settings.pop("preset")
    changed = with_common_queries(backbone)
    if changed.model.config.model_type == "modernbert":  # its projections have no biases
        changed = backbone
    starts = {
        start: new_prompts(
            PromptConfig.preset(name, **settings, prefix_initialisation=start), changed, queries()
        )
        for start in ("activations", "quiet")
    }
    shares = {start: mean_attention(changed, prompts) for start, prompts in starts.items()}
    less = 0.9 if changed is backbone else 0.3
    assert shares["quiet"] < less * shares["activations"]


def test_a_quiet_start_moves_all_keys_alike_and_no_values(backbone: Backbone) -> None:
    """By what a least squares fit of 1 to each head's queries gives, head by head."""
    batches = queries()
    expected = []
    asking = [attention_queries(backbone.model, ids, mask) for ids, mask in batches]
    for layer in range(len(asking[0])):
        for head in range(asking[0][0].shape[1]):
            tokens = torch.cat(
                [
                    found[layer][:, head][mask.bool()]
                    for found, (_, mask) in zip(asking, batches, strict=True)
                ]
            ).double()
            penalty = (1e-3 * tokens.square().sum(0).mean()).sqrt() * torch.eye(tokens.shape[1])
            rows = torch.cat([tokens, penalty.double()])
            ones = torch.cat([torch.ones(len(tokens)), torch.zeros(tokens.shape[1])]).double()
            key = torch.linalg.lstsq(rows, ones).solution * tokens.shape[1] ** 0.5
            expected.append(key)
    config = PromptConfig(**SETTINGS, prefix_initialisation="activations", bias=True)
    started = states(new_prompts(config, backbone, batches))
    quiet = replace(config, prefix_initialisation="quiet")
    keys, values = by_layer(started - states(new_prompts(quiet, backbone, batches)), backbone)
    assert values.abs().max() == 0
    constant = (math.log(config.length) + QUIET) * torch.cat(expected)
    found = keys.flatten(2)
    torch.testing.assert_close(found, constant.expand_as(found), rtol=1e-3, atol=1e-4)


def test_a_quiet_start_is_refused_where_it_would_be_loud(backbone: Backbone) -> None:
    config = PromptConfig(
        prompts=4, length=40, query_hidden=8, initialisation="normal", prefix_initialisation="quiet"
    )
    with pytest.raises(ValueError, match="the 4 prompts of 40 positions have too little in common"):
        new_prompts(config, backbone, queries())
    biased = new_prompts(replace(config, bias=True), backbone, queries())
    started = replace(config, prefix_initialisation="activations")
    loud = mean_attention(backbone, new_prompts(started, backbone, queries()))
    assert mean_attention(backbone, biased) < loud


def test_the_same_seed_gives_the_same_prefixes(backbone: Backbone) -> None:
    config = PromptConfig(**SETTINGS, prefix_initialisation="activations")
    first, second = (new_prompts(config, backbone, queries(), seed=3) for _ in range(2))
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )


def test_the_backbone_is_left_as_it_was(backbone: Backbone) -> None:
    ids, mask = queries()[0]
    with torch.no_grad():
        before = backbone(ids, mask)
    new_prompts(PromptConfig(**SETTINGS, prefix_initialisation="activations"), backbone, queries())
    with torch.no_grad():
        assert torch.equal(backbone(ids, mask), before)
    assert not backbone.model.training


def test_queries_are_needed(backbone: Backbone) -> None:
    config = PromptConfig(**SETTINGS, prefix_initialisation="activations", initialisation="words")
    with pytest.raises(ValueError, match="needs queries"):
        new_prompts(config, backbone)


def test_queries_of_special_tokens_alone_are_refused(backbone: Backbone) -> None:
    config = PromptConfig(**SETTINGS, prefix_initialisation="activations", initialisation="words")
    ids = torch.full((4, 2), 5)
    with pytest.raises(ValueError, match="special tokens"):
        new_prompts(config, backbone, [(ids, torch.ones_like(ids))])


def test_an_unknown_start_is_refused() -> None:
    with pytest.raises(ValueError, match="prefix_initialisation"):
        PromptConfig(prefix_initialisation="zeros")  # type: ignore[arg-type]
