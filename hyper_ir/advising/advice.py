"""The figures of all settings together, which are on the Pareto front, and which to take."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hyper_ir.advising.cells import Found
from hyper_ir.advising.grid import Setting
from hyper_ir.advising.indexes import Size
from hyper_ir.advising.pareto import pareto_front
from hyper_ir.evaluation.comparison import Comparison, compare
from hyper_ir.evaluation.scores import Scores
from hyper_ir.search.latency import Latency

ALPHA = 0.05

LOSS = 0.01
"""The share of the unpruned score that may be lost where no tolerance is told."""

UNCERTAIN = 0.05
"""The share of the unpruned score from which on a loss that topics cannot exclude is told."""


@dataclass(frozen=True)
class Cell:
    """A setting and its figures.

    Attributes
    ----------
    found: scores, and overlap with the unpruned setting.
    comparisons: paired tests against the unpruned setting, by measure; empty for itself.
    pareto: no other setting is at least as fast, as small and as good, and better in one.
    acceptable: its score by the first measure is not lower than the unpruned setting's, as the
        rule of the recommendation has it.
    """

    setting: Setting
    size: Size
    latency: Latency
    found: Found
    comparisons: dict[str, Comparison]
    pareto: bool
    acceptable: bool

    def score(self, measure: str) -> float:
        """The mean over topics."""
        return self.found.scores.overall[measure]

    def as_json(self) -> dict[str, Any]:
        """All figures, by name."""
        return {
            "name": self.setting.name,
            "factor": self.setting.index.factor,
            "top_k": self.setting.index.top_k,
            "query_terms": self.setting.query_terms,
            "size": asdict(self.size) | {"bytes_per_document": self.size.per_document},
            "latency": asdict(self.latency),
            "scores": self.found.scores.overall,
            "overlap": {f"@{depth}": share for depth, share in self.found.overlap.items()},
            "differences": {
                measure: {
                    "difference": each.test.difference,
                    "low": each.test.low,
                    "high": each.test.high,
                    "p": each.test.t_p,
                    "p_holm": each.t_p_holm,
                    "randomisation_p": each.test.randomisation_p,
                }
                for measure, each in self.comparisons.items()
            },
            "pareto": self.pareto,
            "acceptable": self.acceptable,
        }


@dataclass(frozen=True)
class Advice:
    """All cells, the unpruned one first, and the choice among them.

    Attributes
    ----------
    measures: their names; by the first one is chosen.
    tolerance: how much lower than unpruned a mean score may be; None takes ``LOSS`` of it, and
        refuses what a paired t-test finds lower.
    encoding: the latency of encoding a query, where a live encoder was given.
    smallest, fastest: among the acceptable cells; of equals, the better in the other respect.
    recommended: the acceptable cell whose gains in size and in speed multiply to the most.
    """

    cells: list[Cell]
    measures: list[str]
    tolerance: float | None
    encoding: Latency | None
    smallest: Cell
    fastest: Cell
    recommended: Cell

    @property
    def unpruned(self) -> Cell:
        """What all is compared with."""
        return self.cells[0]

    @property
    def topics(self) -> int:
        """Judged topics."""
        return len(next(iter(self.unpruned.found.scores.values.values())))

    def unrest(self) -> float:
        """How far passes over the same queries were apart: fastest by slowest, median of cells."""
        return statistics.median(
            cell.latency.fastest / max(cell.latency.slowest, 1e-9) for cell in self.cells
        )

    def rule(self) -> str:
        """What makes a cell acceptable, in words."""
        measure = self.measures[0]
        if self.tolerance is not None:
            return f"{measure} at most {self.tolerance:g} lower than unpruned"
        return (
            f"{measure} at most {LOSS:.0%} lower than unpruned, and not significantly lower "
            f"(paired t-test, p < {ALPHA:g})"
        )

    def comparison(self, cell: Cell) -> Comparison | None:
        """A cell against the unpruned one, by the measure that decides; None for that one."""
        return cell.comparisons.get(self.measures[0])

    def untold_loss(self, cell: Cell) -> float | None:
        """The loss that the topics cannot exclude, where it is more than may be lost; else None.

        It is the lower end of the 95 % confidence interval; infinite for a single topic.
        """
        comparison = self.comparison(cell)
        if comparison is None:
            return None
        low = comparison.test.low
        loss = math.inf if low is None else -low
        most = max(UNCERTAIN * self.unpruned.score(self.measures[0]), self.tolerance or 0.0)
        return loss if loss > most else None


def make_advice(
    sizes: Mapping[Setting, Size],
    latencies: Mapping[Setting, Latency],
    found: Mapping[Setting, Found],
    tolerance: float | None = None,
    encoding: Latency | None = None,
) -> Advice:
    """Put the figures together; the first setting is the unpruned one.

    The rule without ``tolerance`` does not correct p for the number of settings: corrected, it
    would find fewer differences, and so recommend what costs more. A test that finds none is no
    proof that there is none, least of all on few topics: so the measured loss must be small, too.
    """
    settings = list(found)
    measures = list(found[settings[0]].scores.overall)
    comparisons = _comparisons(settings, found, measures)
    whole = found[settings[0]].scores.overall[measures[0]]
    points = [
        (
            latencies[each].queries_per_second,
            -float(sizes[each].bytes),
            found[each].scores.overall[measures[0]],
        )
        for each in settings
    ]
    cells = [
        Cell(
            each,
            sizes[each],
            latencies[each],
            found[each],
            comparisons[each],
            on_front,
            _acceptable(comparisons[each].get(measures[0]), tolerance, whole),
        )
        for each, on_front in zip(settings, pareto_front(points), strict=True)
    ]
    good = [cell for cell in cells if cell.acceptable]
    return Advice(
        cells,
        measures,
        tolerance,
        encoding,
        smallest=max(good, key=lambda cell: (-cell.size.bytes, _rate(cell))),
        fastest=max(good, key=lambda cell: (_rate(cell), -cell.size.bytes)),
        recommended=max(good, key=lambda cell: _rate(cell) / cell.size.bytes),
    )


def _rate(cell: Cell) -> float:
    return cell.latency.queries_per_second


def _comparisons(
    settings: Sequence[Setting], found: Mapping[Setting, Found], measures: list[str]
) -> dict[Setting, dict[str, Comparison]]:
    scores = Scores(measures)
    for each in settings:
        scores.add(found[each].scores)
    by_name: dict[str, dict[str, Comparison]] = {each.name: {} for each in settings}
    if len(settings) > 1:
        for comparison in compare(scores, settings[0].name):
            by_name[comparison.run][comparison.measure] = comparison
    return {each: by_name[each.name] for each in settings}


def _acceptable(comparison: Comparison | None, tolerance: float | None, whole: float) -> bool:
    if comparison is None:
        return True
    difference = comparison.test.difference
    if tolerance is not None:
        return difference >= -tolerance
    found_lower = difference < 0 and comparison.test.t_p < ALPHA
    return difference >= -LOSS * whole and not found_lower
