"""An advice as a table and in words."""

from __future__ import annotations

import math

from hyper_ir.advising.advice import ALPHA, Advice, Cell
from hyper_ir.advising.grid import ALL
from hyper_ir.evaluation.comparison import interval
from hyper_ir.evaluation.tables import Cell as Text
from hyper_ir.evaluation.tables import Style, Table, mark_note
from hyper_ir.search.latency import Latency
from hyper_ir.wording import counted

FRONT = "●"
MEGABYTE = 1e6

RESTLESS = 1.5
"""The fastest by the slowest pass of a setting, above which speeds are called uncertain."""


def table(advice: Advice, only_front: bool = False) -> Table:
    """A row for each setting; marks and bold as ``hyper_ir.evaluate`` has them."""
    cells = [cell for cell in advice.cells if cell.pareto or not only_front]
    if only_front and advice.unpruned not in cells:
        cells.insert(0, advice.unpruned)
    best = {
        measure: max(f"{cell.score(measure):.4f}" for cell in cells) for measure in advice.measures
    }
    depths = list(advice.unpruned.found.overlap)
    header = [
        *("factor", "top-k", "query terms", "MB", "bytes/doc", "postings"),
        *("queries/s", "p50 ms", "p95 ms", *advice.measures),
        *(f"overlap@{depth}" for depth in depths),
        "Pareto",
    ]
    rows = [_row(advice, cell, best, depths) for cell in cells]
    few = f"the Pareto front of {counted(len(advice.cells), 'setting')}" if only_front else ""
    title = f"{few or counted(len(advice.cells), 'setting')} ({counted(advice.topics, 'topic')})"
    return Table(title, header, rows, _note(advice), words=0)


def _row(advice: Advice, cell: Cell, best: dict[str, str], depths: list[int]) -> list[Text]:
    setting, size, latency = cell.setting, cell.size, cell.latency
    scores = []
    for measure in advice.measures:
        text = f"{cell.score(measure):.4f}"
        comparison = cell.comparisons.get(measure)
        marked = comparison is not None and comparison.t_p_holm < ALPHA
        scores.append(Text(text, text == best[measure], marked))
    return [
        Text(f"{setting.index.factor:g}"),
        Text(ALL if setting.index.top_k is None else str(setting.index.top_k)),
        Text(ALL if setting.query_terms is None else str(setting.query_terms)),
        Text(f"{size.bytes / MEGABYTE:,.2f}"),
        Text(f"{size.per_document:,.0f}"),
        Text(f"{size.postings:,}"),
        Text(f"{latency.queries_per_second:,.0f}"),
        Text(f"{latency.p50:.2f}"),
        Text(f"{latency.p95:.2f}"),
        *scores,
        *(Text(f"{cell.found.overlap[depth]:.3f}") for depth in depths),
        Text(FRONT if cell.pareto else ""),
    ]


def _note(advice: Advice) -> str:
    latency = advice.unpruned.latency
    return (
        f"{FRONT} on the Pareto front (queries/s, size, {advice.measures[0]}); queries/s of one at "
        f"a time, searching alone: {counted(latency.queries, 'query', 'queries')}, each by its "
        f"median of {counted(latency.passes, 'pass', 'passes')} in turn; "
        f"{mark_note('unpruned', Style(alpha=ALPHA))}"
    )


def lines(advice: Advice) -> list[str]:
    """What to conclude, a sentence each."""
    said = []
    if advice.unrest() > RESTLESS:
        said.append(
            f"the machine was busy: passes over the same queries differ by a factor of "
            f"{advice.unrest():.1f} in speed, so that small differences in queries/s tell nothing; "
            "measure again on a quiet one, or with more --passes"
        )
    if (encoding := advice.encoding) is not None:
        said.append(
            f"encoding a query, the same at all settings, takes p50 {encoding.p50:.1f} ms, p95 "
            f"{encoding.p95:.1f} ms; with it the recommended setting answers "
            f"{_with_encoding(advice.recommended, encoding):,.1f} queries/s, the unpruned one "
            f"{_with_encoding(advice.unpruned, encoding):,.1f}"
        )
    said.append(f"acceptable: {advice.rule()}")
    said += [f"{role}: {_in_words(cell, advice)}" for role, cell in _roles(advice)]
    return said + _warning(advice)


def _roles(advice: Advice) -> tuple[tuple[str, Cell], ...]:
    return (
        ("smallest", advice.smallest),
        ("fastest", advice.fastest),
        ("recommended", advice.recommended),
    )


def _with_encoding(cell: Cell, encoding: Latency) -> float:
    """Queries a second, encoded and searched one at a time."""
    return 1 / (1 / encoding.queries_per_second + 1 / cell.latency.queries_per_second)


def _warning(advice: Advice) -> list[str]:
    """What the topics are too few to tell of the settings that are named."""
    losses = {role: advice.untold_loss(cell) for role, cell in _roles(advice)}
    told = {role: loss for role, loss in losses.items() if loss is not None}
    if not told:
        return []
    loss, whole = "any loss", advice.unpruned.score(advice.measures[0])
    if math.isfinite(largest := max(told.values())):
        share = f", {largest / whole:.0%} of unpruned" if whole else ""
        loss = f"a loss of up to {largest:.4f}{share}"
    cure = ", or --tolerance says how much may be lost" if advice.tolerance is None else ""
    return [
        f"warning: {counted(advice.topics, 'topic')} cannot exclude {loss} "
        f"({', '.join(told)}); more topics can{cure}"
    ]


def _in_words(cell: Cell, advice: Advice) -> str:
    if cell is advice.unpruned:
        return "the unpruned setting; no other is acceptable and better"
    index, whole = cell.setting.index, advice.unpruned
    measure = advice.measures[0]
    difference = cell.score(measure) - whole.score(measure)
    comparison = advice.comparison(cell)
    sure = interval(comparison.test.low, comparison.test.high) if comparison is not None else ""
    return (
        f"factor {index.factor:g}, {_terms(index.top_k)} of a document, "
        f"{_terms(cell.setting.query_terms)} of a query: {cell.size.bytes / MEGABYTE:,.2f} MB "
        f"({cell.size.bytes / whole.size.bytes:.0%}), {cell.latency.queries_per_second:,.0f} "
        f"queries/s ({cell.latency.queries_per_second / whole.latency.queries_per_second:.2f} x), "
        f"{measure} {cell.score(measure):.4f} ({difference:+.4f}{sure})"
    )


def _terms(limit: int | None) -> str:
    return "all terms" if limit is None else counted(limit, "term")
