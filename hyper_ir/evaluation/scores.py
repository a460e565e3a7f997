"""Scores of runs, query by query and as a whole, computed by ir_measures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import ir_measures

from hyper_ir.data.records import Judgment, page_of
from hyper_ir.evaluation.measures import Measure

if TYPE_CHECKING:
    import pandas as pd

RunDict = Mapping[str, Mapping[str, float]]

FRAME_COLUMNS = ("task", "run", "measure", "topic", "value")


@dataclass(frozen=True)
class RunScores:
    """How one run does on one task.

    Attributes
    ----------
    task, run: their names.
    values: the value of every judged topic, by measure, in the order of the qrels.
    overall: the mean over all judged topics, or the sum where the measure counts (NumRet).
    without_results: judged topics that the run does not have; they count 0.
    unjudged: topics of the run that the qrels do not have; they count nothing.
    judged_found: judged documents, of whatever grade, among the results.
    """

    task: str
    run: str
    values: dict[str, dict[str, float]]
    overall: dict[str, float]
    without_results: int
    unjudged: int
    judged_found: int


class TaskScorer:
    """Scores runs against the qrels of one task.

    Raises ValueError where there is no judgment or no measure.
    """

    def __init__(
        self, task: str, judgments: Sequence[Judgment], measures: Sequence[Measure]
    ) -> None:
        if not judgments or not measures:
            raise ValueError(f"task {task!r}: judgments and measures are needed, neither empty")
        self.task = task
        self.measures = list(measures)
        self.judged: dict[str, set[str]] = {}
        for judgment in judgments:
            self.judged.setdefault(judgment.topic_id, set()).add(judgment.doc_id)
        # A document may be judged in several iterations. Measures without iterations take the
        # last judgment of a document, so the highest grade goes last.
        self._qrels = [
            ir_measures.Qrel(each.topic_id, each.doc_id, each.grade, each.iteration)
            for each in sorted(judgments, key=lambda each: each.grade)
        ]
        self._evaluator = ir_measures.evaluator(self.measures, self._qrels)

    def score(self, run: str, results: RunDict) -> RunScores:
        """Score results: score by document id, by topic id.

        ``run`` names it here and in messages. Raises ValueError where no topic of the run is
        judged, and where a value is not a number.
        """
        found = {topic: docs for topic, docs in results.items() if topic in self.judged and docs}
        if not found:
            raise ValueError(
                f"run {run}: none of its topics ({len(results):,}) is in the qrels of {self.task}"
                f"{_compared(results, self.judged)}"
            )
        values: dict[str, dict[str, float]] = {
            str(measure): dict.fromkeys(self.judged, 0.0) for measure in self.measures
        }
        for metric in [*self._evaluator.iter_calc(found), *self._of_qrels_alone(found)]:
            if not math.isfinite(metric.value):
                raise ValueError(
                    f"run {run}, topic {metric.query_id}: {metric.measure} is {metric.value}"
                )
            values[str(metric.measure)][metric.query_id] = float(metric.value)
        return RunScores(
            task=self.task,
            run=run,
            values=values,
            overall={str(each): _overall(each, values[str(each)]) for each in self.measures},
            without_results=len(self.judged) - len(found),
            unjudged=len(results.keys() - self.judged.keys()),
            judged_found=sum(
                len(self.judged[topic] & docs.keys()) for topic, docs in found.items()
            ),
        )

    def _of_qrels_alone(self, found: RunDict) -> list[ir_measures.Metric]:
        """What counts judged topics and documents does so for topics without results too."""
        counts = [measure for measure in self.measures if measure.NAME in ("NumQ", "NumRel")]
        absent = self.judged.keys() - found.keys()
        if not counts or not absent:
            return []
        # A document that cannot exist stands for the empty list, which trec_eval leaves out.
        nothing = {topic: {"": 0.0} for topic in absent}
        evaluator = ir_measures.evaluator(counts, self._qrels)
        return [metric for metric in evaluator.iter_calc(nothing) if metric.query_id in absent]


def _overall(measure: Measure, values: Mapping[str, float]) -> float:
    aggregator = measure.aggregator()
    for value in values.values():
        aggregator.add(value)
    return float(aggregator.result())


def _compared(results: RunDict, judged: Mapping[str, object]) -> str:
    if not results:
        return ""
    return (
        f" (the run has topics such as {next(iter(results))!r}, the qrels {next(iter(judged))!r})"
    )


@dataclass
class Scores:
    """Scores of several runs on several tasks, each run on each task.

    Attributes
    ----------
    measures: the measures' names, in the order asked for.
    by_task: the scores of each run, by run's name, by task's name.
    """

    measures: list[str]
    by_task: dict[str, dict[str, RunScores]] = field(default_factory=dict)

    def add(self, scores: RunScores) -> None:
        """Take in one run on one task; raises ValueError where it is there already."""
        runs = self.by_task.setdefault(scores.task, {})
        if scores.run in runs:
            raise ValueError(f"task {scores.task}: run {scores.run} is there twice")
        runs[scores.run] = scores

    @property
    def tasks(self) -> list[str]:
        """The tasks' names."""
        return list(self.by_task)

    @property
    def runs(self) -> list[str]:
        """The runs' names."""
        return list(dict.fromkeys(run for runs in self.by_task.values() for run in runs))

    def overall(self, task: str, run: str, measure: str) -> float:
        """One figure of the table."""
        return self.by_task[task][run].overall[measure]

    def average(self, run: str, measure: str) -> float:
        """The mean over tasks, each counting the same whatever its number of topics."""
        return sum(self.overall(task, run, measure) for task in self.tasks) / len(self.tasks)

    def frame(self) -> pd.DataFrame:
        """All values query by query: columns task, run, measure, topic, value."""
        import pandas as pd

        rows = [
            (scores.task, scores.run, measure, topic, value)
            for runs in self.by_task.values()
            for scores in runs.values()
            for measure, values in scores.values.items()
            for topic, value in values.items()
        ]
        return pd.DataFrame(rows, columns=pd.Index(FRAME_COLUMNS))


def pages_of(results: RunDict) -> dict[str, dict[str, float]]:
    """The results with passages ``PAGE#N`` made pages, each with its best passage's score."""
    pages: dict[str, dict[str, float]] = {}
    for topic, docs in results.items():
        best = pages[topic] = {}
        for doc_id, score in docs.items():
            page = page_of(doc_id)
            best[page] = max(score, best.get(page, score))
    return pages


def without_query(results: RunDict) -> dict[str, dict[str, float]]:
    """The results without the document that has its topic's own id (ArguAna, Quora)."""
    return {
        topic: {doc_id: score for doc_id, score in docs.items() if doc_id != topic}
        for topic, docs in results.items()
    }
