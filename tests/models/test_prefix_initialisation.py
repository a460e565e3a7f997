"""Prefixes fitted to keys and values of real tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from hyper_ir.models.backbone import Backbone
from hyper_ir.models.prefix_attention import enable_prefixes, keys_and_values
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompt_initialisation import new_prompts
from hyper_ir.models.prompts import PromptSynthesiser
from hyper_ir.models.retriever import Retriever
from tests.tiny_models import FAMILIES, save_checkpoint

SETTINGS: dict[str, Any] = {"prompts": 3, "length": 4, "query_hidden": 8, "prefix_hidden": 16}


@pytest.fixture(scope="module", params=FAMILIES)
def backbone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    folder: Path = save_checkpoint(tmp_path_factory.mktemp("model"), request.param)
    return Retriever.from_pretrained(folder).query.backbone


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
    enable_prefixes(backbone.model)
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
    with pytest.raises(ValueError, match="need queries"):
        new_prompts(config, backbone)


def test_queries_of_special_tokens_alone_are_refused(backbone: Backbone) -> None:
    config = PromptConfig(**SETTINGS, prefix_initialisation="activations", initialisation="words")
    ids = torch.full((4, 2), 5)
    with pytest.raises(ValueError, match="special tokens"):
        new_prompts(config, backbone, [(ids, torch.ones_like(ids))])


def test_an_unknown_start_is_refused() -> None:
    with pytest.raises(ValueError, match="prefix_initialisation"):
        PromptConfig(prefix_initialisation="zeros")  # type: ignore[arg-type]
