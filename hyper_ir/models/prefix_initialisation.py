"""Prefixes that start as keys and values of real queries' tokens (Li & Liang, 2021, section 7.5).

Drawn at random, the prefix encoder's maps give a MiniLM keys and values of 0.03 (root mean square)
beside 1.1 and 0.6 of the tokens'. Some hundred steps hardly change that, and what prompts are mixed
for a query makes no difference. Fitted, they begin where tokens are.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hyper_ir.models.backbone import Backbone
from hyper_ir.models.prefix_attention import enable_prefixes, keys_and_values
from hyper_ir.models.prompts import PromptSynthesiser

Row = tuple[Tensor, Tensor]
"""A query's token ids and its mask, both (length,)."""

Place = tuple[int, int]
"""A row, and a token of it."""

NEAREST = 10
"""A prompt's tokens are drawn from so many queries, of those that attend to it most."""

HIDDEN = 0.5
"""Root mean square of what goes into the bottleneck's tanh: neither linear nor flat."""

RIDGE = 0.1
"""Share of the bottleneck's mean square that keeps the fitted map small."""


@torch.no_grad()
def fit_prefixes(
    prompts: PromptSynthesiser,
    backbone: Backbone,
    queries: Sequence[tuple[Tensor, Tensor]],
    seed: int = 42,
) -> None:
    """Set the prefix encoder so that prompts encode to keys and values of real tokens.

    A prompt's positions stand for tokens of the queries that attend to it most; W_up is the ridge
    regression from the bottleneck to what the backbone computes of these tokens in all layers.

    Parameters
    ----------
    queries: token ids and attention masks, both (batch, length).
    seed: of the draws.

    Raises
    ------
    ValueError
        When there are no queries, or nothing but special tokens in them.
    """
    enable_prefixes(backbone.model)
    rows = [(ids[place], mask[place]) for ids, mask in queries for place in range(len(ids))]
    if not rows:
        raise ValueError("prefix_initialisation: activations need queries; hand over some")
    table = backbone.word_embeddings.float().cpu()
    attention = torch.cat(
        [
            prompts.prompt_attention(nn.functional.embedding(ids.cpu(), table), mask.cpu())
            for ids, mask in queries
        ]
    )
    target = _states_at(_drawn(prompts, attention, rows, seed), backbone, rows)
    down, up = prompts.prefix_down, prompts.prefix_up
    for layer in (down, up):
        if layer.bias is not None:
            layer.bias.zero_()
    pooled = prompts.prompts.flatten(0, 1)
    down.weight.mul_(HIDDEN / down(pooled).square().mean().sqrt())
    hidden = prompts.bottleneck(pooled).double()
    gram = hidden.T @ hidden
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    up.weight.copy_(torch.linalg.solve(gram, hidden.T @ target.double()).T)


def _drawn(
    prompts: PromptSynthesiser, attention: Tensor, rows: Sequence[Row], seed: int
) -> list[Place]:
    """A query and a place in it for each position of each prompt; attention is (rows, N)."""
    generator = torch.Generator().manual_seed(seed)
    length = prompts.config.length
    drawn: list[Place] = []
    for shares in attention.T:
        # Prompts that all queries attend to alike are for all of them.
        order = torch.randperm(len(rows), generator=generator)
        if prompts.config.query_conditional:
            order = shares.argsort(descending=True, stable=True)
        # The first and the last token are special ones in every family.
        places = [
            (row, place)
            for row in order[:NEAREST].tolist()
            for place in range(1, int(rows[row][1].sum()) - 1)
        ]
        if not places:
            raise ValueError("prefix_initialisation: queries without any but special tokens")
        mixed = torch.randperm(len(places), generator=generator).tolist()
        drawn += [places[mixed[number % len(mixed)]] for number in range(length)]
    return drawn


def _states_at(places: Sequence[Place], backbone: Backbone, rows: Sequence[Row]) -> Tensor:
    """Keys and values of all layers at these places, ``(places, L · 2 · d)``, on the CPU."""
    device = backbone.word_embeddings.device
    wanted: dict[int, list[int]] = {}
    for number, (row, _) in enumerate(places):
        wanted.setdefault(row, []).append(number)
    states: list[Tensor] = [torch.empty(0)] * len(places)
    for row, numbers in wanted.items():
        ids, mask = (part[None].to(device) for part in rows[row])
        layers = keys_and_values(backbone.model, ids, mask)
        joined = torch.cat(
            [part[0].transpose(0, 1).flatten(1) for both in layers for part in both], 1
        )
        for number in numbers:
            states[number] = joined[places[number][1]].float().cpu()
    return torch.stack(states)
