"""The section about settings that were varied: N, the weight of CPR, prompt length (figure 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hyper_ir.analysis.section import Section, one_line, row
from hyper_ir.analysis.sweeps import Panel, Sweeps, SweepValue
from hyper_ir.evaluation.tables import Cell, Table
from hyper_ir.figures.picture import drawn
from hyper_ir.figures.style import brief, look
from hyper_ir.wording import counted

KNOWN = {
    "prompts.prompts": "shared prompts, N (number)",
    "prompts.length": "prompt length, m (positions)",
    "objective.cpr": "weight of CPR, λc (no unit)",
}

_ACROSS = 3

LEAST_SPAN = 0.02
"""Of an axis of scores: what no number of queries tells apart is not to look like a mountain."""


def sweep_section(sweeps: Sweeps) -> Section:
    """A panel and a table for each setting and collection; there is one at least."""
    values = [each for panel in sweeps.values() for line in panel.values() for each in line]
    if max(each.seeds for each in values) > 1:
        spread = "means over seeds, bands of a standard deviation to either side"
    else:
        spread = "one seed each, so the spread is not known"
    caption = (
        f"{counted(len(values), 'score')} of trained models by one changed setting (figure 5 of "
        f"the paper): {spread}. Values stand at equal distances."
    )
    picture = drawn("sweeps", _alt(sweeps), lambda: sweep_figure(sweeps))
    tables = [_table(panel, systems) for panel, systems in sweeps.items()]
    panels = [
        {
            **panel._asdict(),
            "systems": {
                system: [asdict(each) for each in line] for system, line in systems.items()
            },
        }
        for panel, systems in sweeps.items()
    ]
    title = "Settings varied (figure 5)"
    return Section("sweeps", title, caption, [picture], tables, {"panels": panels})


def _alt(sweeps: Sweeps) -> str:
    said = []
    for panel, systems in sweeps.items():
        for system, values in systems.items():
            best = max(values, key=lambda each: each.mean)
            said.append(
                f"{brief(system)} by {_name(panel.setting)}: best {best.mean:.3f} at {best.value:g}"
            )
    return "Lines of score against a setting. " + "; ".join(said[:20]) + "."


def _name(setting: str) -> str:
    return KNOWN.get(setting) or brief(setting, 40)


def sweep_figure(sweeps: Sweeps) -> Figure:
    """Panels of lines, at most three beside each other, one legend for all."""
    across = 2 if len(sweeps) == 4 else min(_ACROSS, len(sweeps))
    down = -(-len(sweeps) // across)
    figure = Figure((3.5 * across + 0.4, 2.9 * down + 0.5), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False).flatten()
    systems = list(dict.fromkeys(system for each in sweeps.values() for system in each))
    for axes, (panel, lines) in zip(grid, sweeps.items(), strict=False):
        _panel(axes, lines, systems)
        axes.set_ylim(limits(sweeps, panel))
        axes.set_title(brief(panel.collection, 40))
        axes.set_xlabel(_name(panel.setting))
        axes.set_ylabel(f"{brief(panel.measure)} (0 to 1)" if panel.measure else "score")
    for axes in grid[len(sweeps) :]:
        axes.remove()
    handles = {}
    for axes in grid[: len(sweeps)]:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles[label] = handle
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside upper center",
        ncols=min(4, len(handles)),
    )
    return figure


def limits(sweeps: Sweeps, of: Panel) -> tuple[float, float]:
    """The axis of a panel's scores, the same in all of its collection and measure."""
    values = [
        (value.mean + sign * (value.deviation or 0))
        for panel, lines in sweeps.items()
        if (panel.collection, panel.measure) == (of.collection, of.measure)
        for line in lines.values()
        for value in line
        for sign in (-1, 1)
    ]
    low, high = min(values), max(values)
    more = max(0.12 * (high - low), (LEAST_SPAN - (high - low)) / 2)
    return low - more, high + more


def _panel(axes: Axes, lines: dict[str, list[SweepValue]], systems: Sequence[str]) -> None:
    ticks = sorted({value.value for line in lines.values() for value in line})
    for system, line in lines.items():
        colour, marker, dash = look(systems.index(system))
        x = [ticks.index(each.value) for each in line]
        means = [each.mean for each in line]
        axes.plot(x, means, color=colour, marker=marker, linestyle=dash, label=brief(system))
        low = [each.mean - (each.deviation or 0) for each in line]
        high = [each.mean + (each.deviation or 0) for each in line]
        axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.set_xticks(range(len(ticks)), [f"{tick:g}" for tick in ticks])
    if sum(len(f"{tick:g}") for tick in ticks) > 24:
        axes.tick_params(axis="x", rotation=45)
    axes.margins(x=0.06)


def _table(panel: Panel, systems: dict[str, list[SweepValue]]) -> Table:
    title = ", ".join(one_line(part, 60) for part in panel if part)
    rows = []
    for system, values in systems.items():
        best = max(each.mean for each in values)
        for each in values:
            # The best stands out; where all are the same, none does.
            stands_out = each.mean == best and len({other.mean for other in values}) > 1
            rows.append(
                [
                    *row(one_line(system, 40), f"{each.value:g}", str(each.seeds)),
                    Cell(f"{each.mean:.4f}", best=stands_out),
                    Cell("–" if each.deviation is None else f"{each.deviation:.4f}"),
                ]
            )
    header = ["system", "value", "seeds", "mean", "deviation"]
    return Table(title, header, rows)
