"""What a prefix costs in encoding queries: measured, by its length (figure 6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median, quantiles
from time import perf_counter
from typing import Literal, NamedTuple

import torch

from hyper_ir.encode.engine import choose_device
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompt_initialisation import new_prompts
from hyper_ir.models.retriever import Retriever
from hyper_ir.models.towers import Tower
from hyper_ir.search.latency import Pass, Timing, interleaved

Kind = Literal["none", "static", "conditional"]

PREFIXES = (10, 20, 50, 100, 200)
TOKENS = (8, 16, 32, 64)
BATCHES = (1, 32)
ROUNDS = 9

_CALLS = 4
"""Calls in a row for a batch of one query, which alone is too short to time."""


class Cell(NamedTuple):
    """What is timed: prompts of a kind and length (0 for none), on a batch of queries."""

    kind: Kind
    length: int
    tokens: int
    batch: int


@dataclass(frozen=True)
class PrefixCost:
    """What one cell took.

    Attributes
    ----------
    kind, length, tokens, batch: see :class:`Cell`.
    milliseconds: of a query, median over rounds.
    low, high: the quartiles.
    to_none, to_static: median over rounds of the time over that without a prefix, and over that
        with a static prefix of the same length, in the same round; None where there is no such.
    to_none_low, to_none_high: the quartiles of that ratio.
    """

    kind: Kind
    length: int
    tokens: int
    batch: int
    milliseconds: float
    low: float
    high: float
    to_none: float
    to_none_low: float
    to_none_high: float
    to_static: float | None


@dataclass(frozen=True)
class PrefixSettings:
    """What is timed.

    Attributes
    ----------
    prefixes: lengths m of prompts.
    tokens: lengths of queries, special tokens counted.
    batches: queries in a batch.
    rounds: how often each is timed.
    device, seed: where; of the prompts, the queries' tokens and the order.
    """

    prefixes: Sequence[int] = PREFIXES
    tokens: Sequence[int] = TOKENS
    batches: Sequence[int] = BATCHES
    rounds: int = ROUNDS
    device: str = "cpu"
    seed: int = 42

    def __post_init__(self) -> None:
        for name in ("prefixes", "tokens", "batches"):
            values = getattr(self, name)
            if not values or any(type(each) is not int or each < 1 for each in values):
                raise ValueError(f"{name}: whole numbers of 1 or more are needed, not {values}")
            if len(set(values)) < len(values):
                raise ValueError(f"{name}: {values}: different numbers are needed")
        if self.rounds < 2:
            raise ValueError(f"rounds: {self.rounds}; 2 at least tell a spread")


def check_lengths(retriever: Retriever, settings: PrefixSettings) -> None:
    """Raise ValueError where queries are longer than the backbone's positions."""
    limit = retriever.query.backbone.max_length
    if max(settings.tokens) > limit:
        raise ValueError(
            f"query lengths: {max(settings.tokens)} tokens are more than the {limit} positions of "
            f"{retriever.called}"
        )


def measure_prefixes(
    retriever: Retriever, settings: PrefixSettings, progress: bool = False
) -> list[PrefixCost]:
    """Time token ids to vectors without a prefix, with a static and with a synthesised one.

    The prompts are new, of the model's own sizes but for their length (the paper's sizes where it
    has none), on the model's backbone and head; static means one prompt for all queries through
    the same prefix encoder. Rounds go through all cells in turn.
    """
    check_lengths(retriever, settings)
    device = choose_device(settings.device)
    towers = _towers(retriever, settings, device)
    cells = {
        Cell(kind, length, tokens, batch): partial(
            _timed, tower, _queries(retriever, tokens, batch, settings.seed, device)
        )
        for tokens in settings.tokens
        for batch in settings.batches
        for (kind, length), tower in towers.items()
    }
    passes = interleaved(cells, settings.rounds, settings.seed, progress)
    seconds = {cell: [each.seconds for each in of_cell] for cell, of_cell in passes.items()}
    return [_cost(cell, seconds) for cell in cells]


def _towers(
    retriever: Retriever, settings: PrefixSettings, device: torch.device
) -> dict[tuple[Kind, int], Tower]:
    tower = retriever.query
    own = tower.prompts.config if tower.prompts is not None else PromptConfig()
    base = replace(own, initialisation="words", prefix_initialisation="random", dropout=0.0)
    if not own.query_conditional:
        base = replace(base, prompts=PromptConfig().prompts, query_conditional=True)
    towers: dict[tuple[Kind, int], Tower] = {("none", 0): Tower(tower.backbone, tower.head)}
    for length in settings.prefixes:
        conditional = replace(base, length=length)
        static = replace(conditional, prompts=1, query_conditional=False)
        kinds: dict[Kind, PromptConfig] = {"static": static, "conditional": conditional}
        for kind, config in kinds.items():
            prompts = new_prompts(config, tower.backbone, seed=settings.seed)
            towers[kind, length] = Tower(tower.backbone, tower.head, prompts)
    for made in towers.values():
        made.to(device).eval()
        if made.prompts is not None:
            made.prompts.precompute()
    return towers


def _queries(
    retriever: Retriever, tokens: int, batch: int, seed: int, device: torch.device
) -> torch.Tensor:
    """Random word pieces: what a forward pass takes does not depend on which."""
    generator = torch.Generator().manual_seed(seed)
    vocabulary = len(retriever.tokenizer)
    return torch.randint(vocabulary, (batch, tokens), generator=generator).to(device)


@torch.inference_mode()
def _timed(tower: Tower, ids: torch.Tensor) -> Pass:
    """Seconds of a query, as a pass of one."""
    mask = torch.ones_like(ids)
    calls = max(1, _CALLS // len(ids))
    wait: Callable[[], object] = torch.cuda.synchronize if ids.is_cuda else lambda: None
    wait()
    start = perf_counter()
    for _ in range(calls):
        tower.encode(ids, mask)
    wait()
    seconds = (perf_counter() - start) / calls / len(ids)
    return Pass([Timing(seconds, 0.0)], seconds)


def _cost(cell: Cell, seconds: dict[Cell, list[float]]) -> PrefixCost:
    own = seconds[cell]
    low, _, high = quantiles(own, n=4, method="inclusive")
    none = seconds[Cell("none", 0, cell.tokens, cell.batch)]
    over_none = _ratios(own, none)
    lowest, _, highest = quantiles(over_none, n=4, method="inclusive")
    static = seconds.get(Cell("static", cell.length, cell.tokens, cell.batch))
    return PrefixCost(
        *cell,
        1000 * median(own),
        1000 * low,
        1000 * high,
        median(over_none),
        lowest,
        highest,
        None if static is None else median(_ratios(own, static)),
    )


def _ratios(first: Sequence[float], second: Sequence[float]) -> list[float]:
    """Round by round: what slows a whole round slows both."""
    return [a / b for a, b in zip(first, second, strict=True)]
