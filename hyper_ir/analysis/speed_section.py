"""The section about score against queries per second (figure 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from hyper_ir.analysis.section import Section, one_line
from hyper_ir.analysis.speed import SpeedPoint, frontier
from hyper_ir.evaluation.tables import Cell, Table
from hyper_ir.figures.labels import place_labels
from hyper_ir.figures.picture import drawn
from hyper_ir.figures.style import brief, look
from hyper_ir.wording import counted


def speed_section(points: Sequence[SpeedPoint]) -> Section:
    """All systems in one figure."""
    by_system = _by_system(points)
    caption = (
        f"Score against queries per second, one at a time, {_what(points)}: "
        f"{counted(len(points), 'way')} to search with {counted(len(by_system), 'system')}, "
        "vectors pruned by weight (figure 4 of the paper). q8 cuts queries to their 8 heaviest "
        "terms, d64 documents to 64, x16 is the factor of weights; a point without label is whole "
        "or found no room for one. Lines join what no other setting of the system beats in both, "
        "with bars from the slowest to the fastest pass; the other settings are small."
    )
    alt = "Points of score against queries per second. " + "; ".join(
        f"{brief(system)}: up to {max(each.score for each in mine):.3f}, up to "
        f"{max(each.queries_per_second for each in mine):,.0f} queries per second"
        for system, mine in by_system.items()
    )
    pictures = [drawn("speed", alt, lambda: speed_figure(points))]
    numbers = {"points": [asdict(point) for point in points]}
    title = "Score against queries per second (figure 4)"
    return Section("speed", title, caption, pictures, [_table(by_system)], numbers)


def _what(points: Sequence[SpeedPoint]) -> str:
    """What the time is of."""
    alone = [brief(name) for name, mine in _by_system(points).items() if not mine[0].encoded]
    if not alone:
        return "from text to hits"
    if all(not point.encoded for point in points):
        return "searching alone"
    return f"from text to hits ({', '.join(alone)}: searching alone)"


def _by_system(points: Sequence[SpeedPoint]) -> dict[str, list[SpeedPoint]]:
    by_system: dict[str, list[SpeedPoint]] = {}
    for point in points:
        by_system.setdefault(point.system, []).append(point)
    return by_system


def speed_figure(points: Sequence[SpeedPoint]) -> Figure:
    """A colour and a sign for each system, labels where there is room."""
    figure = Figure((7.6, 4.8), layout="constrained")
    axes = figure.subplots()
    lines, labelled = [], []
    for place, (system, mine) in enumerate(_by_system(points).items()):
        best = frontier(mine)
        colour, marker, dash = look(place)
        beaten = [each for each in mine if each not in best]
        axes.plot(*_places(beaten), marker, color=colour, markersize=3.5, alpha=0.35)
        spread = [
            [max(0.0, each.queries_per_second - each.slowest) for each in best],
            [max(0.0, each.fastest - each.queries_per_second) for each in best],
        ]
        style: Any = {"fmt": marker, "color": colour, "linestyle": dash, "linewidth": 1}
        axes.errorbar(*_places(best), xerr=spread, elinewidth=0.8, label=brief(system), **style)
        lines.append(list(zip(*_places(best), strict=True)))
        lines += [[(each.slowest, each.score), (each.fastest, each.score)] for each in best]
        labelled += best
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    axes.margins(0.08)
    measures = list(dict.fromkeys(brief(each.measure) for each in points))
    axes.set_xlabel(f"queries per second, {_what(points)}")
    axes.set_ylabel(f"{', '.join(measures)} (0 to 1)")
    figure.legend(loc="outside right upper", title="system")
    others = [each for each in points if each not in labelled]
    where = list(zip(*_places([*labelled, *others]), strict=True))
    place_labels(axes, where, [*(each.label for each in labelled), *("" for _ in others)], lines)
    return figure


def _places(points: Sequence[SpeedPoint]) -> tuple[list[float], list[float]]:
    return [each.queries_per_second for each in points], [each.score for each in points]


def _table(by_system: dict[str, list[SpeedPoint]]) -> Table:
    header = ["system", "query terms", "document terms", "queries/s", "slowest", "fastest", "score"]
    rows = []
    for system, mine in by_system.items():
        best = set(map(id, frontier(mine)))
        for each in mine:
            rates = (each.queries_per_second, each.slowest, each.fastest)
            rows.append(
                [
                    Cell(one_line(system, 40)),
                    *(Cell(_terms(count)) for count in (each.query_terms, each.document_terms)),
                    *(Cell(f"{rate:,.1f}") for rate in rates),
                    Cell(f"{each.score:.4f}", best=id(each) in best and len(mine) > len(best)),
                ]
            )
    note = "bold: no other setting of the system is both faster and better"
    return Table("speed and score", header, rows, note)


def _terms(count: int | None) -> str:
    return "all" if count is None else f"{count:,}"
