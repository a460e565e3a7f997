"""What mining did: how many candidates leaked and why, and what is left of every task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hyper_ir.mining import answers
from hyper_ir.mining.negatives import REASONS, Negatives, Reason
from hyper_ir.mining.positives import Positives
from hyper_ir.wording import counted

NAMED = 5
"""How many ids a report names of each kind."""


@dataclass
class TaskReport:
    """The figures of one task.

    Attributes
    ----------
    task, source: its name and file.
    answers: what its answers are.
    answer_filter: whether candidates with an answer were dropped.
    queries, without_gold: in the source, and those without a judgment.
    sampled: taken to be mined.
    gold, gold_missing, first_missing: different judged ids of the mined queries; those that the
        corpus lacks; the first of these.
    without_positive: queries none of whose judged ids the corpus has: they give no example.
    mined: the other queries, of which all figures below are.
    positives: their positives together.
    levels: how the best positive of each is known (see ``positives``).
    positive_found: queries of which a positive is among the candidates.
    candidates, dropped, over: hits; those dropped, by reason; good ones beyond the limit.
    kept, fewest: negatives in all, and of the query that has fewest.
    too_few, first_too_few: queries with fewer than the least number; the first of them.
    written: examples in the file.
    """

    task: str
    source: str
    answers: answers.Use
    answer_filter: bool
    queries: int
    without_gold: int
    sampled: int
    gold: int = 0
    gold_missing: int = 0
    first_missing: list[str] = field(default_factory=list)
    without_positive: int = 0
    mined: int = 0
    positives: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    positive_found: int = 0
    candidates: int = 0
    dropped: Counter[Reason] = field(default_factory=Counter)
    over: int = 0
    kept: int = 0
    fewest: int = 0
    too_few: int = 0
    first_too_few: list[str] = field(default_factory=list)
    written: int = 0

    def note_gold(self, names: Iterable[str], found: set[str]) -> None:
        """Count the task's judged ids, and those that the corpus lacks."""
        different = dict.fromkeys(names)
        missing = [name for name in different if name not in found]
        self.gold, self.gold_missing = len(different), len(missing)
        self.first_missing = missing[:NAMED]

    def note_query(
        self, positives: Positives, found: bool, negatives: Negatives, limit: int
    ) -> int:
        """Count a query that was mined; return how many negatives it has."""
        kept = min(len(negatives.rows), limit)
        self.fewest = min(self.fewest, kept) if self.mined else kept
        self.mined += 1
        self.positives += len(positives.passages)
        self.levels[positives.level] += 1
        self.positive_found += found
        self.candidates += len(negatives.rows) + negatives.dropped.total()
        self.dropped += negatives.dropped
        self.over += len(negatives.rows) - kept
        self.kept += kept
        return kept

    def note_too_few(self, id: str) -> None:
        """Count a query that is left with too few negatives."""
        self.too_few += 1
        if len(self.first_too_few) < NAMED:
            self.first_too_few.append(id)

    @property
    def mean_kept(self) -> float:
        """Negatives of a mined query, on average."""
        return self.kept / self.mined if self.mined else 0.0

    @property
    def share_found(self) -> float:
        """The share of mined queries of which the search found a positive."""
        return self.positive_found / self.mined if self.mined else 0.0

    def as_json(self) -> dict[str, Any]:
        """All figures."""
        return {
            "source": self.source,
            "queries": self.queries,
            "without_gold": self.without_gold,
            "sampled": self.sampled,
            "answers": self.answers,
            "answer_filter": self.answer_filter,
            "gold": {
                "ids": self.gold,
                "missing_from_corpus": self.gold_missing,
                "first_missing": self.first_missing,
            },
            "without_positive": self.without_positive,
            "mined": self.mined,
            "positives": {
                "all": self.positives,
                "best_is": dict(sorted(self.levels.items())),
                "queries_found": self.positive_found,
                "share_found": round(self.share_found, 6),
            },
            "candidates": self.candidates,
            "dropped": {reason: self.dropped[reason] for reason in REASONS},
            "over_the_limit": self.over,
            "kept": {"all": self.kept, "mean": round(self.mean_kept, 6), "fewest": self.fewest},
            "too_few": {"queries": self.too_few, "first": self.first_too_few},
            "written": self.written,
        }

    def notes(self) -> list[str]:
        """In words, what a user should know; a line each."""
        lines = []
        if self.answers == "labels":
            lines.append("its answers are labels, not words of the evidence: no answer filter")
        if self.answers == "titles":
            lines.append("its answers are the titles of the gold pages: no answer filter")
        if self.gold_missing:
            lines.append(
                f"{self.gold_missing:,} of {self.gold:,} judged ids are not in the corpus: "
                f"{_some(self.first_missing, self.gold_missing)}"
            )
        if lacking := self.without_positive:
            said = counted(lacking, "query has", "queries have")
            lines.append(f"{said} no positive in the corpus")
        if lacking := self.dropped["not in the corpus"]:
            said = counted(lacking, "candidate is", "candidates are")
            lines.append(f"{said} not in the corpus: was another corpus searched?")
        if self.too_few:
            said = counted(self.too_few, "query is", "queries are")
            ids = _some(self.first_too_few, self.too_few)
            lines.append(f"{said} left with too few negatives: {ids}")
        return [f"{self.task}: {line}" for line in lines]


def _some(ids: list[str], count: int) -> str:
    return ", ".join(ids) + (", …" if count > len(ids) else "")
