"""``python -m hyper_ir.mine``: training examples with hard negatives that do not leak."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from hyper_ir.command import Parser, given, run
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

if TYPE_CHECKING:
    from hyper_ir.data.corpus import Corpus
    from hyper_ir.evaluation.tables import Table
    from hyper_ir.mining.first_stage import FirstStageConfig
    from hyper_ir.mining.pipeline import MiningReport
    from hyper_ir.mining.report import TaskReport

DESCRIPTION = """Mine training examples: for every query its positives and its hard negatives,
by id, with a report of what would have leaked.

Candidates are BM25's hits, or those of any run. Dropped are passages of gold pages, passages
that contain an answer, and copies of a positive. Tasks are KILT files, BEIR folders, or
ir_datasets:NAME."""

EXAMPLE = """
python -m hyper_ir.mine --tasks nq=nq-train-kilt.jsonl fever=fever-train-kilt.jsonl \\
  --corpus kilt_knowledgesource.json --index indexes/kilt.bm25 --output examples.jsonl
python -m hyper_ir.mine --tasks nq=nq-train-kilt.jsonl fever=fever-train-kilt.jsonl \\
  --corpus kilt_knowledgesource.json --runs 'runs/splade.{task}.trec' --output examples.jsonl
python -m hyper_ir.mine --tasks data/nfcorpus --split train --corpus data/nfcorpus \\
  --index indexes/nfcorpus.bm25 --output nfcorpus.jsonl
"""

BM25_FLAGS = {"k1", "b", "threads"}


def _parser() -> Parser:
    from hyper_ir.data.corpus import FORMATS
    from hyper_ir.mining.answers import IGNORED

    parser = Parser("python -m hyper_ir.mine", DESCRIPTION, EXAMPLE)
    add = parser.add_argument
    add("--tasks", nargs="+", required=True, metavar="[TASK=]SOURCE", help="one for each task")
    add("--corpus", required=True, help="file, folder, BEIR folder or ir_datasets:NAME")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--index", help="Lucene index (BM25) of the corpus")
    where.add_argument(
        "--runs",
        nargs="+",
        metavar="[TASK=]FILE",
        help="TREC runs in place of an index: one for each task, or one name with {task} in it",
    )
    add("--output", required=True, help="examples to write: FILE.jsonl")
    add("--report", help="leak report to write (default: the output's stem + .leaks.json)")
    add("--overwrite", action="store_true", help="replace files that are there")
    add("--on-bad-input", choices=["stop", "skip"], default="stop", help="skip counts and lists")
    add("--quiet", action="store_true", help="no progress bar")

    search = parser.add_argument_group("candidates")
    more = search.add_argument
    more("--depth", type=int, default=100, help="hits of a query that are looked at")
    more("--k1", type=float, default=0.9, help="BM25's saturation of term frequency")
    more("--b", type=float, default=0.4, help="BM25's length normalisation")
    more("--threads", type=int, default=os.cpu_count() or 1, help="queries searched at a time")
    more("--remove-query", action="store_true", help="drop the document with the query's own id")

    examples = parser.add_argument_group("examples")
    more = examples.add_argument
    more("--positives", type=int, default=5, help="the most of an example")
    more("--negatives", type=int, default=100, help="the most of an example")
    more("--min-negatives", type=int, default=1, help="with fewer, a query has too few")
    more("--drop-short", action="store_true", help="leave out queries with too few")
    more("--keep-answers", action="store_true", help="negatives may contain an answer")
    more("--keep-gold-pages", action="store_true", help="negatives may lie on a gold page")
    more(
        "--ignore-answers",
        nargs="*",
        default=list(IGNORED),
        metavar="ANSWER",
        help="answers that are no words of the evidence",
    )
    more("--max-queries", type=int, help="the most of a task, drawn by chance")
    more("--seed", type=int, default=42, help="of that draw")
    more("--split", default="train", help="of BEIR folders")

    texts = parser.add_argument_group("corpus", "as the index had them (python -m hyper_ir.index)")
    more = texts.add_argument
    more("--format", choices=FORMATS, default="auto", help="of the corpus")
    more("--fields", nargs="+", help="texts to read, in this order (default: the format's)")
    more("--docid-field", help="key of the id (default: id, _id or docid)")
    more("--delimiter", default="\\n", help="between the fields inside Pyserini's contents")
    more("--words", type=int, default=100, help="words in a passage of KILT's pages")
    more("--by", choices=["words", "paragraph"], default="words", help="how KILT's pages are cut")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, mine, print the leak report, and name the next command."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.runs and (useless := sorted(given(parser, argv) & BM25_FLAGS)):
        raise ValueError(f"--{useless[0]} is for --index; a run is as it is")
    from hyper_ir.evaluation.inputs import task_sources
    from hyper_ir.evaluation.rendering import print_tables
    from hyper_ir.mining.pipeline import mine
    from hyper_ir.mining.selection import MiningSettings

    settings = MiningSettings(
        depth=args.depth,
        positives=args.positives,
        negatives=args.negatives,
        min_negatives=args.min_negatives,
        drop_short=args.drop_short,
        keep_answers=args.keep_answers,
        keep_gold_pages=args.keep_gold_pages,
        remove_query=args.remove_query,
        max_queries=args.max_queries,
        seed=args.seed,
        ignored_answers=tuple(args.ignore_answers),
        split=args.split,
    )
    problems = Problems(args.on_bad_input)
    _check_names(args.tasks)
    sources = task_sources(args.tasks, "tasks")
    report = mine(
        sources,
        _corpus(args, problems),
        _search(args, list(sources)),
        args.output,
        args.report or _report_path(args.output),
        settings,
        overwrite=args.overwrite,
        problems=problems,
        progress=not args.quiet,
    )
    print_tables(tables(report))
    for line in [*report.all_notes(), _speed(report), problems.summary()]:
        if line:
            print(line, file=sys.stderr)
    print(f"{counted(report.examples, 'example')}: {args.output}")
    print(
        f"next: python -m hyper_ir.train --config RECIPE --data.examples {quote(args.output)} "
        f"--data.corpus {quote(args.corpus)}"
    )


def _check_names(texts: Sequence[str]) -> None:
    """Raise ValueError for ``TASK=SOURCE`` whose source is there, but whose name has a slash."""
    from hyper_ir.data.irds import is_irds

    for text in texts:
        name, _, source = text.partition("=")
        is_there = bool(source) and (is_irds(source) or os.path.exists(source))
        if "/" in name and is_there and not os.path.exists(text):
            raise ValueError(
                f'tasks {text}: the name of a task may not hold "/"; write '
                f"{name.replace('/', '-')}={source}, for example"
            )


def _corpus(args: Namespace, problems: Problems) -> Corpus:
    from hyper_ir.data.corpus import open_corpus

    return open_corpus(
        args.corpus,
        format=args.format,
        fields=args.fields,
        docid_field=args.docid_field,
        delimiter=args.delimiter.replace("\\n", "\n").replace("\\t", "\t"),
        words=args.words,
        by=args.by,
        problems=problems,
    )


def _search(args: Namespace, tasks: Sequence[str]) -> FirstStageConfig:
    from hyper_ir.mining.first_stage import FromIndex, FromRuns

    if args.index:
        return FromIndex(args.index, args.k1, args.b, args.threads)
    return FromRuns(runs_of_tasks(args.runs, tasks))


def runs_of_tasks(texts: Sequence[str], tasks: Sequence[str]) -> dict[str, Path]:
    """The run file of every task.

    ``texts`` are ``TASK=FILE`` for each task, one ``FILE`` for one task, or one with ``{task}``
    where the tasks' names stand. Raises ValueError where a task has no run or two, or there is
    no such task.
    """
    from hyper_ir.evaluation.inputs import TASK, named_source

    if len(texts) == 1 and TASK in texts[0]:
        return {task: Path(texts[0].replace(TASK, task)) for task in tasks}
    runs: dict[str, Path] = {}
    for text in texts:
        task, file = named_source(text, "runs")
        task = task or (tasks[0] if len(tasks) == 1 else "")
        if task not in tasks:
            raise ValueError(
                f"runs {text}: {task or 'no name'} is none of the tasks {', '.join(tasks)}; "
                f"write TASK=FILE for each, or one name with {TASK} in it"
            )
        if task in runs:
            raise ValueError(f"runs {text}: {task} has the run {runs[task]} already")
        runs[task] = Path(file)
    if lacking := [task for task in tasks if task not in runs]:
        raise ValueError(f"runs: no run for {', '.join(lacking)}")
    return runs


def _report_path(output: str) -> str:
    """``examples.leaks.json`` for ``examples.jsonl``."""
    path = Path(output)
    stem = path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".json")
    return str(path.with_name(f"{stem or path.name}.leaks.json"))


def tables(report: MiningReport) -> list[Table]:
    """The leak report as two tables: queries and their positives, candidates and their fate."""
    return [
        _table("queries", report, _of_queries),
        _table("candidates", report, _of_candidates, words=2, if_any=("not in corpus", "over")),
    ]


def _of_queries(task: TaskReport) -> dict[str, str | int]:
    return {
        "task": task.task,
        "queries": task.queries,
        "no gold": task.without_gold,
        "no positive": task.without_positive,
        "mined": task.mined,
        "positives": f"{task.positives / max(task.mined, 1):.2f}",
        "positive found": f"{task.share_found:.3f}",
        "too few": task.too_few,
        "written": task.written,
    }


def _of_candidates(task: TaskReport) -> dict[str, str | int]:
    kept_answers = task.answers == "words" and not task.answer_filter
    return {
        "task": task.task,
        "answers": "kept" if kept_answers else task.answers,
        "candidates": task.candidates,
        "not in corpus": task.dropped["not in the corpus"],
        "gold document": task.dropped["gold document"],
        "gold page": task.dropped["gold page"],
        "answer": task.dropped["answer"],
        "copy": task.dropped["copy"],
        "over": task.over,
        "kept": task.kept,
        "mean": f"{task.mean_kept:.1f}",
        "fewest": task.fewest,
    }


def _table(
    title: str,
    report: MiningReport,
    row: Callable[[TaskReport], dict[str, str | int]],
    words: int = 1,
    if_any: Sequence[str] = (),
) -> Table:
    """A row for each task; columns of ``if_any`` are left out where all is 0."""
    from hyper_ir.evaluation.tables import Cell, Table

    rows = [row(task) for task in report.tasks]
    header = [name for name in rows[0] if name not in if_any or any(each[name] for each in rows)]
    cells = [
        [Cell(value if isinstance(value := each[name], str) else f"{value:,}") for name in header]
        for each in rows
    ]
    return Table(title, header, cells, words=words)


def _speed(report: MiningReport) -> str:
    queries = max(sum(task.sampled for task in report.tasks), 1)
    parts = (
        f"{part} {seconds:.1f} s ({1000 * seconds / queries:.2f} ms a query)"
        for part, seconds in report.seconds.items()
    )
    return ", ".join(parts)


if __name__ == "__main__":
    run(main, on_bad_input=True)
