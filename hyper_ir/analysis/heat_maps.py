"""Heat maps: task by task (figure 2), and task by prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from hyper_ir.analysis.similarity import TaskSimilarity
from hyper_ir.figures.style import SEQUENTIAL, brief

_CELL = 0.52
"""Inches of a cell with a figure of two decimals in it."""

_EVEN = 0.179
"""The luminance on which black and white have the same contrast (WCAG's formula)."""


def similarity_figure(tasks: Sequence[str], similarity: TaskSimilarity) -> Figure:
    """Two maps beside each other: by divergence and by cosine, in the clusters' order."""
    names = [brief(tasks[place]) for place in similarity.order]
    side = _CELL * len(tasks) + 0.07 * max(map(len, names)) + 0.8
    figure = Figure((2 * side + 0.8, side), layout="constrained")
    maps = {
        "1 − JSD / ln 2": similarity.divergence_based,
        "cosine": similarity.cosine,
    }
    both = figure.subplots(1, 2)
    for axes, (title, matrix) in zip(both, maps.items(), strict=True):
        shown = matrix[np.ix_(similarity.order, similarity.order)]
        cells = _cells(axes, shown, names, 1.0)
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_aspect("equal")
        axes.set_title(title)
        _print_figures(axes, shown)
    _scale(figure, cells, list(both), "similarity (0 to 1, no unit)")
    return figure


def prompt_figure(tasks: Sequence[str], means: np.ndarray, order: Sequence[int]) -> Figure:
    """Each task's mean share of each prompt, tasks in this order."""
    names = [brief(tasks[place]) for place in order]
    prompts = means.shape[1]
    width = max(5.0, 0.26 * prompts + 0.08 * max(map(len, names)) + 1.5)
    figure = Figure((width, 0.36 * len(tasks) + 1.6), layout="constrained")
    axes = figure.subplots()
    cells = _cells(axes, means[list(order)], names, float(means.max()))
    axes.set_xticks(range(0, prompts, 1 if prompts <= 25 else 5))
    axes.set_xlabel("prompt (its number, from 0)")
    _scale(figure, cells, [axes], "mean attention\n(share of 1)")
    return figure


def _cells(axes: Axes, matrix: np.ndarray, rows: Sequence[str], highest: float) -> QuadMesh:
    axes.grid(visible=False)
    # Cells lie around whole numbers, the first row at the top.
    down, across = (np.arange(size + 1) - 0.5 for size in matrix.shape)
    cells = axes.pcolormesh(
        across, down, matrix, cmap=SEQUENTIAL, vmin=0, vmax=highest, edgecolors="white", lw=0.5
    )
    axes.invert_yaxis()
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return cells


def _scale(figure: Figure, cells: QuadMesh, axes: list[Axes], label: str) -> None:
    bar = figure.colorbar(cells, ax=axes, fraction=0.04, pad=0.02)
    bar.set_label(label)
    bar.outline.set_visible(False)


def _print_figures(axes: Axes, matrix: np.ndarray) -> None:
    for (row, column), value in np.ndenumerate(matrix):
        colour = ink_on(value)
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=9)


def ink_on(value: float) -> str:
    """Black or white, whichever stands out more on the colour of a value from 0 to 1."""
    colour = np.array(colormaps[SEQUENTIAL](float(value))[:3])
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ (0.2126, 0.7152, 0.0722))
    return "black" if luminance > _EVEN else "white"
