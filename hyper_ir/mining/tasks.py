"""What is mined for: the queries of a task with their judgments and answers."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hyper_ir.data import beir, irds
from hyper_ir.data.kilt_tasks import KiltRecord, read_kilt_task
from hyper_ir.data.qrels import is_kilt, read_qrels
from hyper_ir.data.topics import read_topics
from hyper_ir.mining import answers
from hyper_ir.mining.provenance import answers_are_titles, named_passages
from hyper_ir.problems import Problems


@dataclass(frozen=True, slots=True)
class MiningQuery:
    """One query and what is known of its evidence.

    Attributes
    ----------
    id, text: the query; its text is not empty.
    evidence: the sets of judged ids, the ids of a set needed jointly; at least one.
    answers: what :func:`answers.usable` makes of its answers; empty where they are no words of
        the evidence.
    grades: the grade of every judged document; empty where pages are judged.
    named: ids of passages that the provenance names.
    """

    id: str
    text: str
    evidence: tuple[tuple[str, ...], ...]
    answers: tuple[str, ...] = ()
    grades: Mapping[str, int] = field(default_factory=dict)
    named: tuple[str, ...] = ()

    @property
    def gold(self) -> list[str]:
        """The different judged ids, in order."""
        return list(dict.fromkeys(name for names in self.evidence for name in names))


@dataclass(frozen=True)
class MiningTask:
    """The queries of one task.

    Attributes
    ----------
    name: the task's name in the examples.
    source: where it was read from.
    queries: those that have gold, in the source's order; all of them, or a sample.
    total: how many queries the source has.
    without_gold: how many of them no judgment of a grade above 0.
    answers: what its answers are.
    """

    name: str
    source: str
    queries: Sequence[MiningQuery]
    total: int
    without_gold: int
    answers: answers.Use = "none"

    def sample(self, most: int | None, seed: int) -> MiningTask:
        """The task with at most ``most`` of its queries, in the same order.

        Which ones depends on ``seed`` and the task's name alone.
        """
        if most is None or most >= len(self.queries):
            return self
        drawn = random.Random(f"{seed} {self.name}").sample(range(len(self.queries)), most)
        return replace(self, queries=[self.queries[place] for place in sorted(drawn)])


def read_task(
    name: str,
    source: str,
    *,
    split: str = "train",
    ignored: Iterable[str] = answers.IGNORED,
    paragraphs: bool = False,
    problems: Problems | None = None,
) -> MiningTask:
    """Read a KILT task file, a BEIR folder (its ``split``), or ``ir_datasets:NAME``.

    A KILT file judges pages and gives answers; the others judge documents by grades, of which
    those above 0 are gold. ``ignored`` answers count as none. ``paragraphs`` says that the
    corpus is cut by paragraph, so that provenance names passages.

    Bad records go to ``problems``, a query without text among them. Raises ValueError where the
    source is nothing of these and where no query has gold.
    """
    problems = problems if problems is not None else Problems()
    if irds.is_irds(source) or Path(source).is_dir():
        task = _read_judged(name, source, split, problems)
    elif not is_kilt(Path(source), problems):
        raise ValueError(
            f"task {name}: {source} is no KILT task file (no input, no output); give one, a BEIR "
            "folder or ir_datasets:NAME"
        )
    else:
        task = _read_kilt(name, Path(source), ignored, paragraphs, problems)
    if not task.queries:
        raise ValueError(f"task {name}: none of the queries of {source} ({task.total:,}) has gold")
    return task


def _read_kilt(
    name: str, path: Path, ignored: Iterable[str], paragraphs: bool, problems: Problems
) -> MiningTask:
    records = list(_with_text(read_kilt_task(path, problems), problems))
    use = _use([record.answers for record in records], path)
    named = named_passages(path) if paragraphs else {}
    queries = [
        MiningQuery(
            record.id,
            record.input,
            record.evidence,
            answers.usable(record.answers, ignored) if use == "words" else (),
            named=named.get(record.id, ()),
        )
        for record in records
        if record.evidence
    ]
    return MiningTask(name, str(path), queries, len(records), len(records) - len(queries), use)


def _use(given: Sequence[Sequence[str]], path: Path) -> answers.Use:
    """What the answers of a file's queries are."""
    if not any(given):
        return "none"
    if answers.are_labels(given):
        return "labels"
    return "titles" if answers_are_titles(path) else "words"


def _with_text(records: Iterable[KiltRecord], problems: Problems) -> Iterator[KiltRecord]:
    for record in records:
        if record.input.strip():
            yield record
        else:
            problems.found(record.where, f"query {record.id} has no text")


def _read_judged(name: str, source: str, split: str, problems: Problems) -> MiningTask:
    topics = read_topics(source, problems=problems)
    judgments = read_qrels(source, problems, split)
    if not irds.is_irds(source):  # a folder's queries are those of all its splits
        topics = beir.judged_topics(topics, judgments)
    grades: dict[str, dict[str, int]] = {}
    for judgment in judgments:
        if judgment.grade > 0:
            of_topic = grades.setdefault(judgment.topic_id, {})
            of_topic[judgment.doc_id] = max(judgment.grade, of_topic.get(judgment.doc_id, 0))
    queries = [
        # Any judged document will do: each is an evidence set of its own.
        MiningQuery(topic.id, topic.text, tuple((doc,) for doc in gold), grades=gold)
        for topic in topics
        if (gold := grades.get(topic.id))
    ]
    return MiningTask(name, source, queries, len(topics), len(topics) - len(queries))
