"""What the tables say: cells with figures, the best, and marks of significance.

With one task: a row for each run, a column for each measure. With several: a table for each
measure, with a column for each task and one for their average. ``rendering`` draws them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from hyper_ir.evaluation.comparison import Comparison
from hyper_ir.evaluation.inputs import AVERAGE
from hyper_ir.evaluation.scores import Scores

Test = Literal["t", "randomisation"]

MARK = "†"
TEST_NAMES = {"t": "paired t-test", "randomisation": "sign-flip randomisation test"}


@dataclass(frozen=True)
class Style:
    """How figures are shown.

    Attributes
    ----------
    digits: decimal places of values and p.
    test: the test whose corrected p decides the marks.
    alpha: the level below which a difference is marked.
    """

    digits: int = 4
    test: Test = "t"
    alpha: float = 0.05

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 0 <= self.digits <= 15:
            raise ValueError(f"digits: {self.digits}; 0 to 15 are possible")
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha: {self.alpha}; a number between 0 and 1 is needed")
        if self.test not in TEST_NAMES:
            raise ValueError(f"test: {self.test!r} is none of {', '.join(TEST_NAMES)}")


@dataclass(frozen=True)
class Cell:
    """One cell of a table: its text, whether it is the best of its column, whether marked."""

    text: str
    best: bool = False
    marked: bool = False


@dataclass(frozen=True)
class Table:
    """A table to draw: the first ``words`` columns are words, the others figures."""

    title: str
    header: list[str]
    rows: list[list[Cell]] = field(default_factory=list)
    note: str = ""
    words: int = 1


def score_tables(
    scores: Scores, comparisons: Sequence[Comparison] = (), style: Style | None = None
) -> list[Table]:
    """The figures of all runs; marks are those of ``comparisons``."""
    style = style or Style()
    marked = {
        (each.task, each.run, each.measure)
        for each in comparisons
        if corrected_p(each, style.test) < style.alpha
    }
    note = mark_note(comparisons[0].baseline, style) if comparisons else ""
    if len(scores.tasks) == 1:
        task = scores.tasks[0]
        keys = [(task, measure) for measure in scores.measures]
        header = ["run", *scores.measures]
        return [_scores_table(_title(scores, task), header, scores, keys, marked, note, style)]
    columns = [*scores.tasks, AVERAGE]
    return [
        _scores_table(
            measure,
            ["run", *columns],
            scores,
            [(task, measure) for task in columns],
            marked,
            note,
            style,
        )
        for measure in scores.measures
    ]


def _title(scores: Scores, task: str) -> str:
    some = next(iter(scores.by_task[task].values()))
    topics = len(next(iter(some.values.values())))
    return f"{task} ({topics:,} topic{'s' if topics != 1 else ''})"


def _scores_table(
    title: str,
    header: list[str],
    scores: Scores,
    keys: Sequence[tuple[str, str]],
    marked: set[tuple[str, str, str]],
    note: str,
    style: Style,
) -> Table:
    """A table with a row for each run and a column for each (task, measure) of ``keys``."""
    columns = []
    for task, measure in keys:
        texts = {run: _figure(_value(scores, task, run, measure), style) for run in scores.runs}
        best = _best(texts)
        columns.append(
            {
                run: Cell(text, run in best, (task, run, measure) in marked)
                for run, text in texts.items()
            }
        )
    rows = [[Cell(run), *(column[run] for column in columns)] for run in scores.runs]
    return Table(title, header, rows, note)


def _value(scores: Scores, task: str, run: str, measure: str) -> float:
    if task == AVERAGE:
        return scores.average(run, measure)
    return scores.overall(task, run, measure)


def _figure(value: float, style: Style) -> str:
    return f"{value:.{style.digits}f}"


def _best(texts: dict[str, str]) -> set[str]:
    """The runs with the highest figure as printed; none where all are equal."""
    highest = max(texts.values(), key=float)
    best = {run for run, text in texts.items() if float(text) == float(highest)}
    return best if len(best) < len(texts) else set()


def corrected_p(comparison: Comparison, test: Test) -> float:
    """The Holm-corrected p of the test asked for."""
    return comparison.t_p_holm if test == "t" else comparison.randomisation_p_holm


def mark_note(baseline: str, style: Style) -> str:
    """What the mark means."""
    return (
        f"{MARK} differs from {baseline} ({TEST_NAMES[style.test]}, Holm-corrected over all "
        f"comparisons by the measure, p < {style.alpha:g})"
    )


COMPARISON_HEADER = ("run", "difference", "95 % CI", "d", "p (t)", "p (rand.)", "win/tie/loss")


def comparison_tables(comparisons: Sequence[Comparison], style: Style | None = None) -> list[Table]:
    """The differences from the baseline: a table for each measure, both p Holm-corrected.

    A column names the task where there are several.
    """
    style = style or Style()
    by_measure: dict[str, list[Comparison]] = {}
    for each in comparisons:
        by_measure.setdefault(each.measure, []).append(each)
    several = len({each.task for each in comparisons}) > 1
    return [
        Table(
            title=f"{measure}: differences from {group[0].baseline}",
            header=[*(["task"] if several else []), *COMPARISON_HEADER],
            rows=[
                [*([Cell(each.task)] if several else []), *_comparison_row(each, style)]
                for each in group
            ],
            note=f"{mark_note(group[0].baseline, style)}; the p are the corrected ones",
            words=2 if several else 1,
        )
        for measure, group in by_measure.items()
    ]


def _comparison_row(comparison: Comparison, style: Style) -> list[Cell]:
    test = comparison.test
    marked = corrected_p(comparison, style.test) < style.alpha
    return [
        Cell(comparison.run),
        Cell(f"{test.difference:+.{style.digits}f}", marked=marked),
        Cell(_interval(test.low, test.high, style)),
        Cell("–" if test.effect_size is None else f"{test.effect_size:+.2f}"),
        Cell(_probability(comparison.t_p_holm, style)),
        Cell(_probability(comparison.randomisation_p_holm, style)),
        Cell(f"{test.wins}/{test.ties}/{test.losses}"),
    ]


def _interval(low: float | None, high: float | None, style: Style) -> str:
    if low is None or high is None:
        return "–"
    return f"[{low:+.{style.digits}f}, {high:+.{style.digits}f}]"


def _probability(p: float, style: Style) -> str:
    smallest = 10.0**-style.digits
    return f"<{smallest:.{style.digits}f}" if p < smallest else f"{p:.{style.digits}f}"
