"""Examples of a task, from what is known of its queries' candidates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hyper_ir.data.examples import TrainingExample
from hyper_ir.data.records import page_of
from hyper_ir.mining import answers
from hyper_ir.mining.candidates import Candidates
from hyper_ir.mining.evidence import Evidence, GoldPassage
from hyper_ir.mining.negatives import Filters, filtered
from hyper_ir.mining.positives import choose
from hyper_ir.mining.report import TaskReport
from hyper_ir.mining.tasks import MiningQuery, MiningTask


@dataclass(frozen=True, slots=True)
class MiningSettings:
    """What is looked for and what is kept.

    Attributes
    ----------
    depth: hits of a query that are looked at.
    positives, negatives: the most that an example gets.
    min_negatives: a query with fewer is left with too few.
    drop_short: leave such queries out of the file.
    keep_answers, keep_gold_pages: switch these filters off.
    remove_query: drop the document with the query's own id.
    max_queries: the most of a task, drawn by ``seed``; None for all.
    ignored_answers: answers that count as none.
    split: of BEIR folders.
    """

    depth: int = 100
    positives: int = 5
    negatives: int = 100
    min_negatives: int = 1
    drop_short: bool = False
    keep_answers: bool = False
    keep_gold_pages: bool = False
    remove_query: bool = False
    max_queries: int | None = None
    seed: int = 42
    ignored_answers: tuple[str, ...] = answers.IGNORED
    split: str = "train"

    def __post_init__(self) -> None:
        for name in ("depth", "positives", "negatives", "max_queries"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name.replace('_', '-')}: at least 1 is needed, not {value}")
        if not 0 <= self.min_negatives <= min(self.negatives, self.depth):
            raise ValueError(
                f"min-negatives: {self.min_negatives} is not between 0 and the most that a query "
                f"can get, {min(self.negatives, self.depth)}"
            )


def open_report(task: MiningTask, evidence: Evidence, settings: MiningSettings) -> TaskReport:
    """The task's report before its first query."""
    report = TaskReport(
        task=task.name,
        source=task.source,
        answers=task.answers,
        answer_filter=task.answers == "words" and not settings.keep_answers,
        queries=task.total,
        without_gold=task.without_gold,
        sampled=len(task.queries),
    )
    report.note_gold((name for query in task.queries for name in query.gold), evidence.found)
    return report


class TaskSelection:
    """The examples of one task.

    Parameters
    ----------
    report: of :func:`open_report`; counts what is done.
    candidates, evidence: of all tasks.
    settings: limits and filters.
    """

    def __init__(
        self,
        report: TaskReport,
        candidates: Candidates,
        evidence: Evidence,
        settings: MiningSettings,
    ) -> None:
        self.report = report
        self.candidates = candidates
        self.evidence = evidence
        self.settings = settings
        self.filters = Filters(report.answer_filter, not settings.keep_gold_pages)

    def examples(
        self, task: MiningTask, first: int, gold: Iterator[list[GoldPassage]]
    ) -> Iterator[TrainingExample]:
        """Yield them in the order of the queries, which are numbered from ``first``.

        ``gold`` gives the gold passages of each.
        """
        least = self.settings.min_negatives
        for number, query in enumerate(task.queries, start=first):
            example = self._example(task.name, number, query, next(gold))
            if example is None:
                self.report.without_positive += 1
                continue
            if len(example.negative_ids) < least:
                self.report.note_too_few(query.id)
                if self.settings.drop_short:
                    continue
            self.report.written += 1
            yield example

    def _example(
        self, task: str, number: int, query: MiningQuery, gold: list[GoldPassage]
    ) -> TrainingExample | None:
        """The query's example; None where the corpus has no positive."""
        settings, ids = self.settings, self.evidence.ids
        span = self.candidates.span(number)
        rows = self.evidence.rows[self.candidates.documents[span]].tolist()
        ranks = {row: rank for rank, row in enumerate(rows) if row >= 0}
        positives = choose(query, gold, ranks, settings.positives)
        if not positives.passages:
            return None
        negatives = filtered(
            rows,
            self.evidence.contains[span],
            self.evidence.texts,
            gold,
            positives.passages,
            self.filters,
        )
        found = any(passage.row in ranks for passage in positives.passages)
        kept = self.report.note_query(positives, found, negatives, settings.negatives)
        learned = {passage.id for passage in positives.passages}
        learned |= {page_of(id) for id in learned}
        return TrainingExample(
            id=query.id,
            query=query.text,
            task=task,
            positive_ids=tuple(passage.id for passage in positives.passages),
            negative_ids=tuple(ids[row] for row in negatives.rows[:kept]),
            gold_ids=tuple(name for name in query.gold if name not in learned),
        )
