"""Which qrels and run files are meant, and their scores: several tasks and runs at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
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

_SEPARATORS = re.compile(r"([._-])[._-]+")
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
        and is needed where there are several tasks. Without a name, the tag in the file; where
        the tags differ by nothing but their task's name, what they have in common.
    policy: whether a broken line before the tag ends the work.

    Raises ValueError for a missing or broken file, a name that is not one word, and two tasks
    or two runs of one name.
    """
    if not qrels or not runs:
        raise ValueError("at least one qrels file and one run are needed")
    sources = task_sources(qrels, "qrels")
    files = _run_files(runs, list(sources), policy)
    return [
        TaskFiles(task, source, {run: paths[task] for run, paths in files.items()})
        for task, source in sources.items()
    ]


def task_sources(texts: Iterable[str], what: str) -> dict[str, str]:
    """The source of every task, by the task's name, each checked to exist.

    ``texts`` are ``SOURCE`` or ``TASK=SOURCE``, as in :func:`task_files`; ``what`` is the flag's
    name, for messages. Raises ValueError for a missing file, a name that is not one word, and two
    tasks of one name.
    """
    sources: dict[str, str] = {}
    for text in texts:
        name, source = named_source(text, what)
        name = name or _task_name(source)
        if name in sources:
            raise ValueError(
                f"{what} {source}: task {name!r} is that of {sources[name]} already; "
                f"name the tasks: --{what} TASK=FILE …"
            )
        if not is_irds(source) and not Path(source).is_dir():
            require_file(source, what)
        sources[name] = source
    return sources


def _run_files(
    runs: Sequence[str], tasks: Sequence[str], policy: Literal["stop", "skip"]
) -> dict[str, dict[str, Path]]:
    """The file of every task, by run's name."""
    files: dict[str, dict[str, Path]] = {}
    for text in runs:
        name, pattern = named_source(text, "run")
        if len(tasks) > 1 and TASK not in pattern:
            raise ValueError(
                f"run {pattern}: there are {len(tasks)} tasks ({', '.join(tasks)}); write {TASK} "
                f"where their names stand in the files' names, for example bm25.{TASK}.trec"
            )
        paths = {task: Path(pattern.replace(TASK, task)) for task in tasks}
        tags = [tag_of(path, policy) for path in paths.values()]
        where = next(iter(paths.values()))
        line = tags[0][1]
        name = name or _common_name({task: tag for task, (tag, _) in zip(tasks, tags, strict=True)})
        if name in files:
            other = next(iter(files[name].values()))
            raise ValueError(
                f"{where}:{line}: run {name!r} has the same name as {other}; "
                "name the runs: --runs NAME=FILE …"
            )
        files[name] = paths
    return files


def _common_name(tags: Mapping[str, str]) -> str:
    """The run's name, from its tag in each task's file: of bm25.nq and bm25.fever, bm25."""
    first = next(iter(tags.values()))
    rests = {_SEPARATORS.sub(r"\1", tag.replace(task, "")) for task, tag in tags.items()}
    if len(set(tags.values())) == 1 or len(rests) > 1:
        return first
    return rests.pop().strip("._-") or first


def named_source(text: str, what: str) -> tuple[str, str]:
    """``NAME=SOURCE`` as a pair; the name is empty where there is none.

    Raises ValueError, in which ``what`` names the source, for a name that is not one word.
    """
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
