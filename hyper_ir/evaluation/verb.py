"""The command behind ``python -m hyper_ir.evaluate``."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence

from hyper_ir.command import Parser, natural
from hyper_ir.evaluation import report
from hyper_ir.evaluation.comparison import (
    RESAMPLES,
    SEED,
    Comparison,
    compare,
    require_baseline,
    require_resamples,
)
from hyper_ir.evaluation.inputs import TASK, score_files, task_files
from hyper_ir.evaluation.measures import DEFAULT, parse_measures
from hyper_ir.evaluation.rendering import latex, markdown, print_tables
from hyper_ir.evaluation.scores import Scores
from hyper_ir.evaluation.tables import TEST_NAMES, Style, comparison_tables, score_tables
from hyper_ir.files import atomic_text, require_writable
from hyper_ir.outputs import require_not_input
from hyper_ir.problems import Problems

STDOUT = "-"

DESCRIPTION = f"""Score TREC runs with ir_measures: every run on every task.

The means are over all judged topics: a topic that a run does not have counts 0, a topic
without judgments is left out. Qrels are TREC's, BEIR's, a KILT task file, or
ir_datasets:NAME. {TASK} in a run's name stands for each task's name."""

EXAMPLE = """
python -m hyper_ir.evaluate --qrels qrels/nfcorpus.qrels \\
  --runs bm25=runs/bm25.trec splade=runs/splade.trec
python -m hyper_ir.evaluate --qrels fever=fever-dev-kilt.jsonl nq=nq-dev-kilt.jsonl \\
  --runs bm25=runs/bm25.{task}.trec splade=runs/splade.{task}.trec \\
  --measures KILTRprec KILTR@5 --baseline bm25 --per-query by-topic.tsv --latex table.tex
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line, score, compare, and print or write the tables."""
    args = _parser().parse_args(argv)
    style = Style(args.digits, args.test, args.alpha)
    measures = parse_measures(args.measures)
    _check_outputs(args)
    tasks = task_files(args.qrels, args.runs, args.on_bad_input)
    for name, path in _files_to_write(args).items():
        for task in tasks:
            require_not_input(path, [task.qrels, *task.runs.values()], name)
    if args.baseline is not None:
        require_baseline(args.baseline, list(tasks[0].runs))
        require_resamples(args.resamples)
    problems = Problems(args.on_bad_input)
    scores = score_files(
        tasks, measures, pages=args.pages, remove_query=args.remove_query, problems=problems
    )
    comparisons: list[Comparison] = []
    if args.baseline is not None:
        comparisons = compare(scores, args.baseline, args.resamples, args.seed)
    _put_out(args, scores, comparisons, style)
    for line in [*report.notes(scores), problems.summary(), _next_step(args, scores)]:
        if line:
            print(line, file=sys.stderr)


def _parser() -> Parser:
    parser = Parser("python -m hyper_ir.evaluate", DESCRIPTION, EXAMPLE)
    parser.add_argument(
        "--qrels", nargs="+", required=True, metavar="[TASK=]QRELS", help="one for each task"
    )
    parser.add_argument(
        "--runs",
        nargs="+",
        required=True,
        metavar="[RUN=]FILE",
        help=f"TREC runs, gzip allowed; their tag is the name where none is given; {TASK} in "
        "FILE where there are several tasks",
    )
    parser.add_argument(
        "--measures",
        nargs="+",
        default=list(DEFAULT),
        metavar="M",
        help="ir_measures' or trec_eval's names; KILTRprec, KILTP@k, KILTR@k, KILTSuccess@k",
    )
    parser.add_argument("--pages", action="store_true", help="collapse passages PAGE#N to pages")
    parser.add_argument(
        "--remove-query",
        action="store_true",
        help="leave out documents that have their topic's id (ArguAna, Quora)",
    )
    parser.add_argument(
        "--on-bad-input",
        choices=("stop", "skip"),
        default="stop",
        help="a bad line ends the command, or is counted, listed and left out",
    )
    tests = parser.add_argument_group("comparison")
    tests.add_argument("--baseline", metavar="RUN", help="compare the others with this run")
    tests.add_argument(
        "--test", choices=tuple(TEST_NAMES), default="t", help="the test that sets the marks"
    )
    tests.add_argument("--alpha", type=float, default=0.05, help="the level of the marks")
    tests.add_argument("--resamples", type=int, default=RESAMPLES, help="of the randomisation")
    tests.add_argument("--seed", type=natural, default=SEED, help="of the randomisation")
    output = parser.add_argument_group("output", "FILE is stdout where it is - or left out")
    for name, what in (
        ("json", "all figures, for machines"),
        ("markdown", "the tables in Markdown"),
        ("latex", "the tables in LaTeX (booktabs)"),
    ):
        output.add_argument(f"--{name}", nargs="?", const=STDOUT, metavar="FILE", help=what)
    output.add_argument(
        "--per-query", metavar="FILE", help="every topic's values: .tsv or .jsonl, .gz allowed"
    )
    output.add_argument("--digits", type=int, default=4, help="decimal places")
    return parser


def _check_outputs(args: Namespace) -> None:
    if args.per_query is not None:
        report.require_per_query_ending(args.per_query)
    outputs = _outputs(args)
    for name, path in outputs.items():
        if list(outputs.values()).count(path) > 1:
            where = "stdout" if path == STDOUT else path
            raise ValueError(f"{where} is given for two outputs; give each its own file")
        if path != STDOUT:
            require_writable(path, name)


def _files_to_write(args: Namespace) -> dict[str, str]:
    """The outputs that are files, by their flags."""
    return {name: path for name, path in _outputs(args).items() if path != STDOUT}


def _outputs(args: Namespace) -> dict[str, str]:
    """The outputs that are asked for, by their flags; ``STDOUT`` is one."""
    names = ("json", "markdown", "latex", "per_query")
    given = {f"--{name.replace('_', '-')}": getattr(args, name) for name in names}
    return {flag: path for flag, path in given.items() if path is not None}


def _put_out(
    args: Namespace, scores: Scores, comparisons: Sequence[Comparison], style: Style
) -> None:
    tables = [
        *score_tables(scores, comparisons, style),
        *comparison_tables(comparisons, style),
    ]
    if STDOUT not in (args.json, args.markdown, args.latex):
        print_tables(tables)
    if args.json is not None:
        settings = {name: value for name, value in vars(args).items() if value is not None}
        value = report.as_json(scores, comparisons, settings)
        _write(args.json, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    if args.markdown is not None:
        _write(args.markdown, markdown(tables))
    if args.latex is not None:
        _write(args.latex, latex(tables))
    if args.per_query is not None:
        report.write_per_query(args.per_query, scores)


def _write(path: str, text: str) -> None:
    if path == STDOUT:
        sys.stdout.write(text)
        return
    with atomic_text(path) as handle:
        handle.write(text)


def _next_step(args: Namespace, scores: Scores) -> str:
    if args.baseline is None and len(scores.runs) > 1:
        return f"next: add --baseline {scores.runs[0]} for paired tests against it"
    return ""
