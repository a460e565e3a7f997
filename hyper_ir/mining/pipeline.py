"""From tasks, a corpus and a first-stage search to training examples and their leak report."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from hyper_ir.data.corpus import Corpus
from hyper_ir.data.examples import TrainingExample, write_examples
from hyper_ir.files import write_json
from hyper_ir.locking import sole_writer
from hyper_ir.manifest import Manifest, write_manifest_first
from hyper_ir.mining.candidates import NOWHERE, Candidates
from hyper_ir.mining.checks import check_outputs
from hyper_ir.mining.evidence import Evidence, EvidencePass
from hyper_ir.mining.first_stage import FirstStage, FirstStageConfig
from hyper_ir.mining.report import TaskReport
from hyper_ir.mining.selection import MiningSettings, TaskSelection, open_report
from hyper_ir.mining.tasks import MiningTask, read_task
from hyper_ir.problems import Problems
from hyper_ir.search.pipeline import Depth
from hyper_ir.version import __version__

FORMAT = 1


@dataclass
class MiningReport:
    """What was mined.

    Attributes
    ----------
    settings: of the command, resolved.
    inputs: tasks, corpus, and where the candidates are from.
    tasks: the figures of every task.
    notes: what a user should know besides.
    seconds: how long the search, the pass over the corpus and the selection took.
    """

    settings: dict[str, Any]
    inputs: dict[str, Any]
    tasks: list[TaskReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The leak report; times are left out, so that equal input gives equal bytes."""
        return {
            "format": FORMAT,
            "hyper_ir": __version__,
            "settings": self.settings,
            "inputs": self.inputs,
            "tasks": {task.task: task.as_json() for task in self.tasks},
            "notes": self.all_notes(),
        }

    def all_notes(self) -> list[str]:
        """The notes of all, and of every task."""
        return [*self.notes, *(line for task in self.tasks for line in task.notes())]

    @property
    def examples(self) -> int:
        """How many were written."""
        return sum(task.written for task in self.tasks)


def mine(
    sources: Mapping[str, str],
    corpus: Corpus,
    search: FirstStageConfig,
    output: str | os.PathLike[str],
    report: str | os.PathLike[str],
    settings: MiningSettings | None = None,
    *,
    overwrite: bool = False,
    problems: Problems | None = None,
    progress: bool = True,
) -> MiningReport:
    """Mine all tasks and write their examples, a manifest beside them, and the leak report.

    Parameters
    ----------
    sources: by task's name, what ``read_task`` takes.
    corpus: the collection that was searched, cut into the same passages.
    search: where candidates come from, ``FromIndex`` or ``FromRuns``.
    output, report: files to write: JSONL of ``TrainingExample``, JSON.

    The examples stand in the order of the tasks and of their queries, whatever the number of
    threads. Raises ValueError for anything wrong with paths, settings, tasks, index or Java
    before the search begins; later for a broken corpus or run, and where the corpus has none
    of the candidates.
    """
    settings = settings or MiningSettings()
    problems = problems if problems is not None else Problems()
    output, report = Path(output), Path(report)
    used = [*sources.values(), *corpus.files, *search.files()]
    check_outputs([output, report], used, overwrite)
    notes = search.check(corpus)
    tasks = _read_tasks(sources, corpus, settings, problems)
    with sole_writer(output):
        engine = search.open(problems, progress)
        inputs = {"tasks": dict(sources), "corpus": corpus.describe(), **search.describe()}
        mined = MiningReport(asdict(settings), inputs, notes=notes)
        examples = _examples(mined, tasks, corpus, engine, settings, progress)

        def finish() -> None:
            write_json(report, mined.as_json())
            write_manifest_first(output, _manifest(mined, report.name, problems.count))

        with _timed("selection", mined):
            shown = tqdm(examples, "examples", unit="", disable=not progress)
            write_examples(output, shown, finish)
    return mined


def _examples(
    mined: MiningReport,
    tasks: Sequence[MiningTask],
    corpus: Corpus,
    engine: FirstStage,
    settings: MiningSettings,
    progress: bool,
) -> Iterator[TrainingExample]:
    """Search, look through the corpus, and give back what selects the examples."""
    with _timed("search", mined):
        lists = engine.lists(tasks, Depth(settings.depth, settings.remove_query))
        candidates = Candidates.collect(lists, sum(len(task.queries) for task in tasks))
    with _timed("corpus", mined):
        total = engine.documents or corpus.size_hint()
        evidence = _read_corpus(corpus, tasks, candidates, total, progress)
    if engine.documents not in (None, evidence.passages):
        mined.notes.append(
            f"the index has {engine.documents:,} documents, the corpus {evidence.passages:,}"
        )
    return _select(tasks, candidates, evidence, settings, mined)


def _read_tasks(
    sources: Mapping[str, str], corpus: Corpus, settings: MiningSettings, problems: Problems
) -> list[MiningTask]:
    """Read every task, and draw its sample."""
    by_paragraph = corpus.settings.get("by") == "paragraph"
    return [
        read_task(
            name,
            source,
            split=settings.split,
            ignored=settings.ignored_answers,
            paragraphs=by_paragraph,
            problems=problems,
        ).sample(settings.max_queries, settings.seed)
        for name, source in sources.items()
    ]


def _read_corpus(
    corpus: Corpus,
    tasks: Sequence[MiningTask],
    candidates: Candidates,
    total: int | None,
    progress: bool,
) -> Evidence:
    """Look through the corpus; ValueError where it has none of the candidates."""
    queries = [query for task in tasks for query in task.queries]
    with tqdm(corpus, "corpus", unit=" passages", total=total, disable=not progress) as bar:
        evidence = EvidencePass(queries, candidates).run(bar)
    if len(candidates.keys) and (evidence.rows == NOWHERE).all():
        raise ValueError(
            f"{corpus.source} has none of the {len(candidates.keys):,} documents that were found; "
            "was another corpus searched, or pages instead of passages?"
        )
    return evidence


def _select(
    tasks: Sequence[MiningTask],
    candidates: Candidates,
    evidence: Evidence,
    settings: MiningSettings,
    mined: MiningReport,
) -> Iterator[TrainingExample]:
    """Yield the examples of all tasks; ValueError in the end where there was none."""
    gold = evidence.gold_of_all(len(candidates.starts))
    first = 0
    for task in tasks:
        report = open_report(task, evidence, settings)
        mined.tasks.append(report)
        selection = TaskSelection(report, candidates, evidence, settings)
        yield from selection.examples(task, first, gold)
        first += len(task.queries)
    if not mined.examples:
        raise ValueError(
            "no query gives an example: the corpus has no positive of any, or --drop-short left "
            "none over"
        )


@contextmanager
def _timed(part: str, mined: MiningReport) -> Iterator[None]:
    start = time.perf_counter()
    yield
    mined.seconds[part] = time.perf_counter() - start


def _manifest(mined: MiningReport, report: str, skipped: int) -> Manifest:
    return Manifest(
        kind="examples",
        config={**mined.settings, "report": report},
        inputs=mined.inputs,
        counts={
            "examples": mined.examples,
            "negatives": sum(task.kept for task in mined.tasks),
            "skipped": skipped,
            **{f"examples of {task.task}": task.written for task in mined.tasks},
        },
    )
