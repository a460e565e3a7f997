"""An advice as a figure: score against queries/s, with size and query terms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyper_ir.advising.advice import Advice, Cell
from hyper_ir.advising.grid import ALL
from hyper_ir.advising.pareto import pareto_front
from hyper_ir.advising.tables import MEGABYTE
from hyper_ir.files import atomic_file, atomic_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LARGEST = 260.0
"""The largest point's area, in square points; the others' are in proportion to their sizes."""

BETWEEN = 0.16
"""Inches between two legends."""

WIDE = 10.0
"""From slowest to fastest: beyond it the axis of queries/s is logarithmic."""


def draw(advice: Advice, path: Path, engine: str) -> None:
    """Write ``PATH.svg`` and ``PATH.png``; ``engine`` says what the sizes are of."""
    from hyper_ir.figures.picture import drawn

    words = _alt(advice)
    picture = drawn("advice", words, lambda: _figure(advice, engine))
    with atomic_text(path.with_suffix(".svg")) as handle:
        handle.write(picture.svg)
    with atomic_file(path.with_suffix(".png")) as image:
        image.write(picture.png)


def _figure(advice: Advice, engine: str) -> Figure:
    from matplotlib.figure import Figure

    from hyper_ir.figures.style import INK

    figure = Figure(figsize=(8.6, 4.8), layout="constrained")
    axes, beside = figure.subplots(1, 2, width_ratios=(4, 1))
    beside.set_axis_off()
    axes.plot(*zip(*_front_of_two(advice), strict=True), color=INK, linewidth=1.0, zorder=1)
    _points(axes, advice)
    roles = _roles(axes, advice)
    rates = [cell.latency.queries_per_second for cell in advice.cells]
    if max(rates) > WIDE * min(rates):
        axes.set_xscale("log")
    _plain_ticks(axes)
    axes.margins(x=0.08, y=0.12)
    axes.set_xlabel("queries/s, one at a time, searching alone")
    axes.set_ylabel(f"{advice.measures[0]}, {advice.topics:,} topics")
    _legends(beside, advice, engine, roles)
    return figure


def _points(axes: Axes, advice: Advice) -> None:
    from hyper_ir.figures.style import INK, look

    largest = max(cell.size.bytes for cell in advice.cells)
    for place, terms in enumerate(_query_terms(advice)):
        cells = [cell for cell in advice.cells if cell.setting.query_terms == terms]
        axes.scatter(
            [cell.latency.queries_per_second for cell in cells],
            [cell.score(advice.measures[0]) for cell in cells],
            s=[LARGEST * cell.size.bytes / largest for cell in cells],
            color=look(place).colour,
            alpha=0.75,
            edgecolors=[INK if cell.pareto else "white" for cell in cells],
            linewidths=[1.6 if cell.pareto else 0.6 for cell in cells],
            zorder=2,
        )


def _roles(axes: Axes, advice: Advice) -> list[Any]:
    """A sign on each point that the advice names, and their legend; no text among the points."""
    from hyper_ir.figures.style import INK

    # The recommended one's is solid and over the others', which are hollow: near points stay apart.
    hollow = {"color": "none", "markeredgecolor": INK, "markeredgewidth": 1.3, "markersize": 9}
    star = {"color": INK, "markeredgecolor": "white", "markersize": 13, "zorder": 4}
    cross = {"color": INK, "markersize": 7}
    named: tuple[tuple[Cell, str, str, dict[str, Any]], ...] = (
        (advice.unpruned, "X", "unpruned", cross),
        (advice.recommended, "*", "recommended", star),
        (advice.fastest, ">", "fastest acceptable", hollow),
        (advice.smallest, "v", "smallest acceptable", hollow),
    )
    signs: list[Any] = []
    for number, (cell, sign, _, look) in enumerate(named):
        if any(cell is other for other, *_ in named[:number]):
            continue  # one sign a point; its label has all roles
        label = ",\n".join(role for other, _, role, _ in named if other is cell)
        x, y = _point(advice, cell)
        style = {"marker": sign, "linestyle": "none", "label": label, "zorder": 3, **look}
        signs += axes.plot([x], [y], **style)
    return signs


def _legends(beside: Axes, advice: Advice, engine: str, roles: list[Any]) -> None:
    """Beside the points, where none can be: colours, sizes, signs."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.legend import Legend
    from matplotlib.lines import Line2D
    from matplotlib.transforms import ScaledTranslation

    from hyper_ir.figures.style import INK, look

    def dot(label: str, area: float, colour: str, edge: str = "white") -> Line2D:
        style: Any = {"marker": "o", "linestyle": "none", "markersize": area**0.5}
        return Line2D([], [], color=colour, markeredgecolor=edge, label=label, **style)

    terms = [
        dot(ALL if each is None else str(each), 64, look(place).colour)
        for place, each in enumerate(_query_terms(advice))
    ]
    sizes = sorted({cell.size.bytes for cell in advice.cells})
    areas = [
        dot(f"{each / MEGABYTE:,.2f} MB", LARGEST * each / sizes[-1], "#9a9a9a")
        for each in sorted({sizes[0], sizes[len(sizes) // 2], sizes[-1]})
    ]
    kinds = [
        *roles,
        dot("on the Pareto front\n(with size)", 64, "white", INK),
        Line2D([], [], color=INK, linewidth=1.0, label="best score at\nleast so fast"),
    ]
    figure: Any = beside.figure
    canvas: Any = FigureCanvasAgg(figure)
    renderer, inches = canvas.get_renderer(), figure.dpi_scale_trans
    what = "index" if engine == "lucene" else "gzipped vectors"
    groups: Sequence[tuple[list[Any], str | None]] = (
        (terms, "terms of a query"),
        (areas, f"size of the {what}"),
        (kinds, None),
    )
    below = 0.0
    for handles, title in groups:
        legend = Legend(
            beside,
            handles,
            [str(handle.get_label()) for handle in handles],
            title=title,
            loc="upper left",
            bbox_to_anchor=(0.0, 1.0),
            bbox_transform=beside.transAxes + ScaledTranslation(0, -below, inches),
            alignment="left",
            labelspacing=0.8,
            borderpad=0,
        )
        beside.add_artist(legend)
        legend.set_clip_path(None)
        below += legend.get_window_extent(renderer).height / figure.dpi + BETWEEN


def _plain_ticks(axes: Axes) -> None:
    """Rates as people write them: 2,000 and not 2 × 10³."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    plain = FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 10 else f"{value:g}")
    if axes.get_xscale() == "log":
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_minor_formatter(lambda value, _: "")
    axes.xaxis.set_major_formatter(plain)


def _front_of_two(advice: Advice) -> list[tuple[float, float]]:
    """The front of speed and score alone, slowest first: what the line goes through."""
    points = [_point(advice, cell) for cell in advice.cells]
    return sorted({point for point, on in zip(points, pareto_front(points), strict=True) if on})


def _point(advice: Advice, cell: Cell) -> tuple[float, float]:
    return cell.latency.queries_per_second, cell.score(advice.measures[0])


def _query_terms(advice: Advice) -> list[int | None]:
    """Each number of terms once, all terms first, then from many to few."""
    numbers = {cell.setting.query_terms for cell in advice.cells}
    return sorted(numbers, key=lambda number: -(number or 10**9))


def _alt(advice: Advice) -> str:
    return (
        f"{advice.measures[0]} against queries per second of {len(advice.cells)} settings; the "
        f"recommended one is {advice.recommended.setting.name}"
    )
