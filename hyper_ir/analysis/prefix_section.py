"""The section about prefix length and encoding time (figure 6)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hyper_ir.analysis.prefix_timing import Kind, PrefixCost, PrefixSettings
from hyper_ir.analysis.section import Section, row
from hyper_ir.evaluation.tables import Table
from hyper_ir.figures.picture import drawn
from hyper_ir.figures.style import look
from hyper_ir.wording import counted

NAMES: dict[Kind, str] = {
    "none": "no prefix",
    "static": "static prefix",
    "conditional": "synthesised for each query (HypeR)",
}

LEAST_ROOM = 0.13
"""Between two ticks with labels, as a share of the longest length."""

_HEADER = (
    "query tokens",
    "prefix length",
    "no prefix",
    "static",
    "HypeR",
    "static / none",
    "HypeR / none",
    "HypeR / static",
)


def prefix_section(costs: Sequence[PrefixCost], settings: PrefixSettings, name: str) -> Section:
    """Times by prefix length; ``name`` is the model's."""
    where = (
        "on a GPU"
        if settings.device.startswith("cuda")
        else (f"on a CPU, {counted(torch.get_num_threads(), 'thread')}")
    )
    caption = (
        f"Time to encode a query, token ids to vector, {where}, by prefix length (figure 6 of the "
        f"paper): the backbone of {name} with new random prompts of each length; medians of "
        f"{settings.rounds} rounds through all cells in turn, bands from the lower to the upper "
        f"quartile; seed {settings.seed}. Ratios are medians of those within a round. The paper "
        "prints 4 % and 25 % over a static prefix at lengths 10 and 100."
    )
    alt = _alt(costs)
    pictures = [
        drawn("prefix-length", f"Milliseconds a query: {alt}", lambda: _times(costs, settings)),
        drawn("prefix-ratio", f"Over no prefix: {alt}", lambda: _over_none(costs, settings)),
    ]
    tables = [_table(costs, settings, batch) for batch in settings.batches]
    numbers = {"rounds": settings.rounds, "costs": [asdict(each) for each in costs]}
    title = "Prefix length and encoding time (figure 6)"
    return Section("prefix-length", title, caption, pictures, tables, numbers)


def _alt(costs: Sequence[PrefixCost]) -> str:
    longest = max(each.length for each in costs)
    ratios = [each.to_none for each in costs if each.length == longest and each.to_static]
    return (
        "lines against prefix length, a panel for each query length and batch size: no prefix, "
        f"a static one, a synthesised one. At length {longest} a prefix "
        f"takes {min(ratios):.2f} to {max(ratios):.2f} times the time without one."
    )


Range = tuple[float, float, float]
"""Median and quartiles."""


def _times(costs: Sequence[PrefixCost], settings: PrefixSettings) -> Figure:
    def time(cost: PrefixCost) -> Range:
        return cost.milliseconds, cost.low, cost.high

    return prefix_figure(costs, settings, time, "ms a query")


def _over_none(costs: Sequence[PrefixCost], settings: PrefixSettings) -> Figure:
    def ratio(cost: PrefixCost) -> Range:
        return cost.to_none, cost.to_none_low, cost.to_none_high

    return prefix_figure(costs, settings, ratio, "time over no prefix\n(no unit)")


def prefix_figure(
    costs: Sequence[PrefixCost],
    settings: PrefixSettings,
    shown: Callable[[PrefixCost], Range],
    label: str,
) -> Figure:
    """A panel for each batch size (down) and query length (across) of what is ``shown``."""
    rows, columns = len(settings.batches), len(settings.tokens)
    figure = Figure((2.5 * columns + 0.6, 2.3 * rows + 0.9), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for line, batch in zip(grid, settings.batches, strict=True):
        for axes, tokens in zip(line, settings.tokens, strict=True):
            mine = [each for each in costs if (each.tokens, each.batch) == (tokens, batch)]
            _panel(axes, mine, shown)
            axes.set_title(f"query of {tokens} tokens,\nbatch of {batch}", fontsize=9)
        line[0].set_ylabel(label)
    for axes in grid[-1]:
        axes.set_xlabel("prefix length (positions)")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3 if columns >= 3 else 1)
    return figure


def _panel(axes: Axes, costs: Sequence[PrefixCost], shown: Callable[[PrefixCost], Range]) -> None:
    longest = max(each.length for each in costs)
    highest = max(max(shown(each)) for each in costs)
    for place, (kind, name) in enumerate(NAMES.items()):
        mine = sorted((each for each in costs if each.kind == kind), key=lambda each: each.length)
        colour, marker, _ = look(place)
        lengths = [each.length for each in mine]
        middle, low, high = (list(part) for part in zip(*map(shown, mine), strict=True))
        if kind == "none":  # a level to compare with, all along
            lengths, middle, low, high = [0, longest], middle * 2, low * 2, high * 2
            axes.plot(lengths, middle, color=colour, linestyle="--", label=name)
        else:
            axes.plot(lengths, middle, color=colour, marker=marker, label=name)
        axes.fill_between(lengths, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.set_ylim(0, highest * 1.12)
    axes.set_xlim(0, longest * 1.05)
    lengths = sorted({each.length for each in costs if each.kind != "none"})
    axes.set_xticks(lengths, tick_labels(lengths))


def tick_labels(lengths: Sequence[int]) -> list[str]:
    """A label for each tick at these lengths (ascending), empty where it would touch the next."""
    labels: list[str] = []
    above = math.inf
    for length in reversed(lengths):
        room = above - length >= LEAST_ROOM * lengths[-1]
        labels.append(f"{length:,}" if room else "")
        above = length if room else above
    return labels[::-1]


def _table(costs: Sequence[PrefixCost], settings: PrefixSettings, batch: int) -> Table:
    """A row for each query and prefix length: times of the three, and their ratios."""
    by_cell = {(each.kind, each.length, each.tokens): each for each in costs if each.batch == batch}
    rows = []
    for tokens in settings.tokens:
        for length in settings.prefixes:
            none = by_cell["none", 0, tokens]
            static = by_cell["static", length, tokens]
            made = by_cell["conditional", length, tokens]
            times = (none.milliseconds, static.milliseconds, made.milliseconds)
            ratios = (static.to_none, made.to_none, made.to_static or 0.0)
            figures = [*(f"{time:.2f}" for time in times), *(f"{ratio:.2f}" for ratio in ratios)]
            rows.append(row(str(tokens), str(length), *figures))
    title = f"ms a query, batches of {counted(batch, 'query', 'queries')}"
    return Table(title, list(_HEADER), rows, words=0)
