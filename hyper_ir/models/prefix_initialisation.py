"""Prefixes that start as keys and values of real queries' tokens (Li & Liang, 2021, section 7.5).

Drawn at random, the prefix encoder's maps give a MiniLM keys and values of 0.03 (root mean square)
beside 1.1 and 0.6 of the tokens'. Some hundred steps hardly change that, and what prompts are mixed
for a query makes no difference. Fitted, they begin where tokens are.

As good as other queries' tokens, they take attention from a query's own, and a model that was
finished begins worse than it was. A quiet start takes from all keys what the queries of a layer and
head have in common, so that hardly any attention is paid to the prefix until training finds a use.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hyper_ir.models.backbone import Backbone
from hyper_ir.models.prefix_attention import attention_queries, enable_prefixes, keys_and_values
from hyper_ir.models.prompts import PromptSynthesiser

Row = tuple[Tensor, Tensor]
"""Token ids and their mask: of a query, both (length,), or of a batch, both (batch, length)."""

Place = tuple[int, int]
"""A row, and a token of it."""

NEAREST = 10
"""A prompt's tokens are drawn from so many queries, of those that attend to it most."""

HIDDEN = 0.5
"""Root mean square of what goes into the bottleneck's tanh: neither linear nor flat."""

RIDGE = 0.1
"""Share of the bottleneck's mean square that keeps the fitted map small."""

SMALL = 1e-4
"""The same where a constant is fitted, of which nothing should be lost."""

QUIET = 2.0
"""A quiet prefix gets, all positions together, the attention of one of its tokens times e^-2."""


@torch.no_grad()
def fit_prefixes(
    prompts: PromptSynthesiser,
    backbone: Backbone,
    queries: Sequence[tuple[Tensor, Tensor]],
    seed: int = 42,
    quiet: bool = False,
) -> None:
    """Set the prefix encoder so that prompts encode to keys and values of real tokens.

    A prompt's positions stand for tokens of the queries that attend to it most; W_up is the ridge
    regression from the bottleneck to what the backbone computes of these tokens in all layers.

    Parameters
    ----------
    queries: token ids and attention masks, both (batch, length).
    seed: of the draws.
    quiet: take from each key c = ln m + ``QUIET`` times the key that all queries of the layer's
        head score alike, so that they score the prefix by about c less.

    Raises
    ------
    ValueError
        When there are no queries, or nothing but special tokens in them; for a quiet start where
        maps have no biases and prompts so little in common that keys cannot be moved alike.
    """
    enable_prefixes(backbone.model)
    rows = [(ids[place], mask[place]) for ids, mask in queries for place in range(len(ids))]
    if not rows:
        raise ValueError(
            "prefix_initialisation: a start at activations needs queries; hand over some"
        )
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
    if quiet and not prompts.config.bias:
        # One unit is alike for all positions, and for their mixtures: in a bias's place.
        down.weight[0] = _ridge(pooled, torch.ones(len(pooled), 1), SMALL).squeeze(1)
    hidden = prompts.bottleneck(pooled)
    up.weight.copy_(_ridge(hidden, target, RIDGE).T)
    if quiet:
        _quieten(prompts, hidden, _common_keys(backbone, queries))


def _ridge(inputs: Tensor, outputs: Tensor, penalty: float) -> Tensor:
    """The ridge regression of (rows, outputs) on (rows, inputs): ``(inputs, outputs)``."""
    gram = inputs.T.double() @ inputs.double()
    gram += penalty * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    solved: Tensor = torch.linalg.solve(gram, inputs.T.double() @ outputs.double())
    return solved.to(inputs.dtype)


def _quieten(prompts: PromptSynthesiser, hidden: Tensor, common: Tensor) -> None:
    """Take (ln m + ``QUIET``) · common from what each position encodes to.

    By W_up's bias, or by what the positions' bottlenecks, ``(N · m, d_p)``, have in common.

    Raises ValueError for prompts without a bias, and without anything in common.
    """
    config, up = prompts.config, prompts.prefix_up
    less = math.log(config.length) + QUIET
    if config.bias:
        up.bias.copy_(-less * common)
        return
    constant = _ridge(hidden, torch.ones(len(hidden), 1), SMALL)
    loudest = torch.exp(-less * (hidden @ constant)).view(config.prompts, -1).sum(1).max()
    if loudest > math.exp(-QUIET / 2):
        raise ValueError(
            f"prefix_initialisation: quiet: the {config.prompts} prompts of {config.length} "
            f"positions have too little in common: one would get {float(loudest):.2g} times the "
            "attention of a token; give prompts.bias true, fewer positions, or initialisation "
            "kmeans"
        )
    up.weight -= less * torch.outer(common, constant.squeeze(1))


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


def _common_keys(backbone: Backbone, batches: Sequence[Row]) -> Tensor:
    """Keys that all queries of a layer's head score as nearly 1 as may be, (L · 2 · d,).

    They are the least squares (E q qᵀ)⁻¹ E q · √(d / heads) over the tokens; values are 0.
    """
    means: list[Tensor] = []
    squares: list[Tensor] = []
    device = backbone.word_embeddings.device
    for ids, mask in batches:
        seen = mask.to(device).bool()
        layers = attention_queries(backbone.model, ids.to(device), mask.to(device))
        rows = [layer.transpose(1, 2)[seen].double().cpu() for layer in layers]
        found = [torch.einsum("thi,thj->hij", tokens, tokens) for tokens in rows]
        sums = [tokens.sum(0) for tokens in rows]
        means = [a + b for a, b in zip(means, sums, strict=True)] if means else sums
        squares = [a + b for a, b in zip(squares, found, strict=True)] if squares else found
    common = []
    for mean, square in zip(means, squares, strict=True):
        diagonal = square.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
        ridge = 1e-3 * diagonal * torch.eye(mean.shape[1], dtype=mean.dtype)
        keys = torch.linalg.solve(square + ridge, mean[:, :, None]) * math.sqrt(mean.shape[1])
        common += [keys.flatten(), torch.zeros(keys.numel(), dtype=keys.dtype)]
    return torch.cat(common).float()
