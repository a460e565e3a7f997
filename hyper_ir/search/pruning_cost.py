"""What pruning costs: how many hits stay the same, and how much lower the score is."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hyper_ir.data.qrels import read_qrels
from hyper_ir.data.records import Hit, Judgment
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

DEPTHS = (10, 100)
"""How far down two lists are compared."""

Lists = Mapping[str, Sequence[Hit]]


@dataclass(frozen=True, slots=True)
class ScoreDifference:
    """The measure without and with pruning, over the judged topics of the sample.

    Attributes
    ----------
    low, high: the difference's 95 % confidence interval; None for a single topic.
    p: of the paired t-test.
    """

    measure: str
    topics: int
    whole: float
    pruned: float
    low: float | None
    high: float | None
    p: float

    @property
    def difference(self) -> float:
        """Pruned less whole."""
        return self.pruned - self.whole


@dataclass(frozen=True, slots=True)
class PruningCost:
    """Lists of pruned queries beside those of whole ones.

    Attributes
    ----------
    topics: how many were searched both ways.
    overlap: mean share of the whole query's best hits that the pruned query's hold, by depth.
    score: the difference in score, where judgments were given.
    """

    topics: int
    overlap: dict[int, float]
    score: ScoreDifference | None = None

    def lines(self) -> list[str]:
        """The cost in words."""
        shares = ", ".join(f"overlap@{depth} {share:.3f}" for depth, share in self.overlap.items())
        said = [f"pruning, on {counted(self.topics, 'topic')}: {shares} with unpruned"]
        if (score := self.score) is not None:
            from hyper_ir.evaluation.comparison import interval

            said.append(
                f"pruning, on {counted(score.topics, 'judged topic')}: {score.measure} "
                f"{score.pruned:.4f}, unpruned {score.whole:.4f} ({score.difference:+.4f}"
                f"{interval(score.low, score.high)}, p {score.p:.3f})"
            )
        return said

    def as_json(self) -> dict[str, Any]:
        """All figures, by name."""
        overlap = {f"overlap@{depth}": share for depth, share in self.overlap.items()}
        score = asdict(self.score) | {"difference": self.score.difference} if self.score else None
        return {"topics": self.topics, **overlap, "score": score}


@dataclass(frozen=True)
class Judge:
    """Judgments and a measure by which the cost is scored."""

    judgments: Sequence[Judgment]
    measure: Any

    @classmethod
    def from_qrels(cls, qrels: str, measure: str, problems: Problems | None = None) -> Judge:
        """Read the qrels; raises ValueError for them, or for an unknown measure."""
        from hyper_ir.evaluation.measures import parse_measures

        measures = parse_measures([measure])
        if len(measures) > 1:
            raise ValueError(f"measure: {measure!r} names several; give one")
        return cls(read_qrels(qrels, problems), measures[0])

    def judged(self, topics: Collection[str]) -> set[str]:
        """Which of the topics have judgments; raises ValueError where none has."""
        found = {each.topic_id for each in self.judgments} & set(topics)
        if not found:
            raise ValueError(
                f"qrels: none of the topics ({counted(len(topics), 'topic')}) is judged there "
                f"(the topics have ids such as {next(iter(topics))!r}, the qrels "
                f"{self.judgments[0].topic_id!r})"
            )
        return found

    def difference(self, whole: Lists, pruned: Lists) -> ScoreDifference:
        """Score both; a topic that found nothing counts 0."""
        from hyper_ir.evaluation.comparison import paired_test
        from hyper_ir.evaluation.scores import TaskScorer

        judged = self.judged(whole.keys())
        kept = [each for each in self.judgments if each.topic_id in judged]
        scorer = TaskScorer("sample", kept, [self.measure])
        name = str(self.measure)
        values = []
        for lists in (whole, pruned):
            found = {
                id: {hit.doc_id: hit.score for hit in hits} for id, hits in lists.items() if hits
            }
            empty = dict.fromkeys(judged, 0.0)
            values.append(
                scorer.score("sample", found).values[name] if found.keys() & judged else empty
            )
        before, after = values
        test = paired_test(after, before, resamples=1)
        return ScoreDifference(
            measure=name,
            topics=len(judged),
            whole=statistics.fmean(before.values()),
            pruned=statistics.fmean(after.values()),
            low=test.low,
            high=test.high,
            p=test.t_p,
        )


def pruning_cost(whole: Lists, pruned: Lists, judge: Judge | None = None) -> PruningCost:
    """Compare the lists of the same topics, whole and pruned."""
    return PruningCost(
        topics=len(whole),
        overlap={depth: mean_overlap(whole, pruned, depth) for depth in DEPTHS},
        score=judge.difference(whole, pruned) if judge is not None else None,
    )


def mean_overlap(whole: Lists, other: Lists, depth: int) -> float:
    """The mean of ``overlap`` over the topics of ``whole``; a topic without a list has none."""
    return statistics.fmean(overlap(whole[id], other.get(id, ()), depth) for id in whole)


def overlap(whole: Sequence[Hit], other: Sequence[Hit], depth: int) -> float:
    """The share of the best ``depth`` of ``whole`` that is among the best ``depth`` of ``other``.

    A list that is shorter counts as it is; one that is empty has nothing to lose: 1.
    """
    best = {hit.doc_id for hit in whole[:depth]}
    kept = best & {hit.doc_id for hit in other[:depth]}
    return len(kept) / len(best) if best else 1.0
