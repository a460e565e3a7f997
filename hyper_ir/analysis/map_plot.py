"""The map of attention vectors by task (figure 3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from hyper_ir.figures.style import brief, look


def map_figure(tasks: Sequence[str], members: np.ndarray, points: np.ndarray) -> Figure:
    """Points ``(n, 2)``, a colour and a sign for each task, the legend beside them."""
    figure = Figure((7.6, 5.4), layout="constrained")
    axes = figure.subplots()
    for place, task in enumerate(tasks):
        mine = points[members == place]
        colour, marker, _ = look(place)
        axes.scatter(
            mine[:, 0],
            mine[:, 1],
            s=13,
            c=colour,
            marker=marker,
            alpha=0.7,
            linewidths=0,
            label=brief(task),
        )
    axes.set(xlabel="t-SNE, first axis (no unit)", ylabel="t-SNE, second axis (no unit)")
    axes.grid(visible=False)
    legend = figure.legend(loc="outside right upper", title="task", markerscale=1.8)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1)
    return figure
