"""Which qrels and run files are meant, and their scores: several tasks and runs at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from hyper_ir.data.irds import is_irds
from hyper_ir.data.qrels import read_qrels
from hyper_ir.data.runs import read_run_file, tag_of
from hyper_ir.evaluation.measures import Measure
from hyper_ir.evaluation.scores import Scores, TaskScorer, pages_of, without_query
from hyper_ir.files import require_file
from hyper_ir.problems import Problems

TASK = "{task}"
AVERAGE = "average"

_ENDINGS = re.compile(r"(\.(qrels?|jsonl?|tsv|txt|trec|gz))+$")


@dataclass(frozen=True)
class TaskFiles:
    """One task: its qrels and the run files to score with them.

    Attributes
    ----------
    name: the task's name in tables.
    qrels: a file, a folder or ``ir_datasets:NAME``, as ``read_qrels`` takes it.
    runs: the run's file, by the run's name in tables.
    """

    name: str
    qrels: str
    runs: dict[str, Path]


def task_files(
    qrels: Sequence[str], runs: Sequence[str], policy: Literal["stop", "skip"] = "stop"
) -> list[TaskFiles]:
    """Find the files of every task and run, and check that they exist.

    Parameters
    ----------
    qrels: ``SOURCE`` or ``TASK=SOURCE`` for each task; without a name, the file's own without
        endings such as ``.qrels``.
    runs: ``FILE`` or ``RUN=FILE`` for each run; ``{task}`` in FILE stands for the task's name
        and is needed where there are several tasks. Without a name, the tag in the file.
    policy: whether a broken line before the tag ends the work.

    Raises ValueError for a missing or broken file, a name that is not one word, and two tasks
    or two runs of one name.
    """
    if not qrels or not runs:
        raise ValueError("at least one qrels file and one run are needed")
    sources: dict[str, str] = {}
    for text in qrels:
        name, source = _named(text, "qrels")
        name = name or _task_name(source)
        if name in sources:
            raise ValueError(
                f"qrels {source}: task {name!r} is that of {sources[name]} already; "
                "name the tasks: --qrels TASK=FILE …"
            )
        if not is_irds(source) and not Path(source).is_dir():
            require_file(source, "qrels")
        sources[name] = source
    files = _run_files(runs, list(sources), policy)
    return [
        TaskFiles(task, source, {run: paths[task] for run, paths in files.items()})
        for task, source in sources.items()
    ]


def _run_files(
    runs: Sequence[str], tasks: Sequence[str], policy: Literal["stop", "skip"]
) -> dict[str, dict[str, Path]]:
    """The file of every task, by run's name."""
    files: dict[str, dict[str, Path]] = {}
    for text in runs:
        name, pattern = _named(text, "run")
        if len(tasks) > 1 and TASK not in pattern:
            raise ValueError(
                f"run {pattern}: there are {len(tasks)} tasks ({', '.join(tasks)}); write {TASK} "
                f"where their names stand in the files' names, for example bm25.{TASK}.trec"
            )
        paths = {task: Path(pattern.replace(TASK, task)) for task in tasks}
        tags = [tag_of(path, policy) for path in paths.values()]
        where = next(iter(paths.values()))
        tag, line = tags[0]
        name = name or tag
        if name in files:
            other = next(iter(files[name].values()))
            raise ValueError(
                f"{where}:{line}: run {name!r} has the same name as {other}; "
                "name the runs: --runs NAME=FILE …"
            )
        files[name] = paths
    return files


def _named(text: str, what: str) -> tuple[str, str]:
    """``NAME=SOURCE`` as a pair; the name is empty where there is none."""
    name, equals, source = text.partition("=")
    if not equals or os.path.exists(text) or "/" in name:
        return "", text
    if name.split() != [name] or name == AVERAGE:
        raise ValueError(f"{what} {text!r}: {name!r} cannot be a name; give one word")
    if not source:
        raise ValueError(f"{what} {text!r}: no file after the =")
    return name, source


def _task_name(source: str) -> str:
    last = re.split(r"[/:]", source.rstrip("/"))[-1]
    return "-".join((_ENDINGS.sub("", last) or last).split())


def score_files(
    tasks: Iterable[TaskFiles],
    measures: Sequence[Measure],
    *,
    pages: bool = False,
    remove_query: bool = False,
    problems: Problems | None = None,
) -> Scores:
    """Score every run of every task; one run is held in memory at a time.

    ``pages`` collapses passages ``PAGE#N`` to pages first; ``remove_query`` leaves out documents
    with their topic's own id. All qrels are read before the first run. Bad lines go to
    ``problems``; raises ValueError for a run without a judged topic.
    """
    problems = problems if problems is not None else Problems()
    tasks = list(tasks)
    scorers = [TaskScorer(task.name, read_qrels(task.qrels, problems), measures) for task in tasks]
    scores = Scores([str(measure) for measure in measures])
    total = sum(len(task.runs) for task in tasks)
    # disable=None: no bar where stderr is not a terminal
    with tqdm(total=total, unit="run", disable=None, leave=False) as bar:
        for task, scorer in zip(tasks, scorers, strict=True):
            for name, path in task.runs.items():
                bar.set_postfix_str(f"{name} on {task.name}")
                results = read_run_file(path, problems).scores
                if pages:
                    results = pages_of(results)
                if remove_query:
                    results = without_query(results)
                try:
                    scores.add(scorer.score(name, results))
                except ValueError as error:
                    raise ValueError(f"{path}: {error}") from error
                bar.update()
    return scores
