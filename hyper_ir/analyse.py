"""``python -m hyper_ir.analyse``: figures 2 to 6 and table 6 of the paper, of your own models."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hyper_ir.command import Parser, natural, positive, run
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

if TYPE_CHECKING:
    from hyper_ir.analysis.pipeline import Request
    from hyper_ir.analysis.section import Section

DESCRIPTION = """Look into a model: which prompts the queries of each task attend to, and what
prefixes cost; beside it speed against score and varied settings, of measurements made elsewhere.
One HTML report holds it all, with Markdown, JSON and every picture as SVG and PNG beside it.

Sections: attention (figure 2), map (figure 3), similar (table 6) need --model and --topics;
speed (figure 4) --advice; sweeps (figure 5) --grid; prefix-length (figure 6) --model."""

EXAMPLE = """
python -m hyper_ir.analyse --model models/hyper --output analysis \\
  --topics nq-dev-kilt.jsonl fever-dev-kilt.jsonl wow-dev-kilt.jsonl
python -m hyper_ir.analyse --model models/hyper --output analysis --update \\
  --only prefix-length --prefix-lengths 10 50 100 --query-lengths 16 64
"""


def parser() -> argparse.ArgumentParser:
    """The verb's arguments."""
    verb = Parser("python -m hyper_ir.analyse", DESCRIPTION, EXAMPLE)
    add = verb.add_argument
    add("--model", help="a model's folder or a hub's name")
    add(
        "--topics",
        nargs="+",
        default=[],
        metavar="[TASK=]TOPICS",
        help="a file, BEIR folder or ir_datasets:NAME for each task; KILT's file names name it",
    )
    add("--output", required=True, metavar="FOLDER", help="where the report goes")
    add("--only", nargs="+", metavar="SECTION", help="sections, with commas or blanks between")
    add("--update", action="store_true", help="keep a report's sections that are not made now")
    add("--overwrite", action="store_true", help="replace a report that is there")
    add("--seed", type=natural, default=42, help="of samples, the map, draws and random prompts")
    add("--on-bad-input", choices=("stop", "skip"), default="stop", help="skip counts and lists")
    add("--quiet", action="store_true", help="no progress bar")
    more = verb.add_argument_group("attention, map, similar").add_argument
    more("--max-queries", type=natural, default=300, help="of each task; 0 takes all")
    more("--max-length", type=positive, help="tokens a query is cut to (default: the model's)")
    more("--query", nargs="+", default=[], metavar="TASK:ID", help="for table 6 (default: draws)")
    more("--share", type=float, default=0.05, help="similar are drawn from so many of the nearest")
    more = verb.add_argument_group("speed, sweeps").add_argument
    more(
        "--advice",
        nargs="+",
        default=[],
        metavar="[SYSTEM=]FOLDER",
        help="what hyper_ir.advise measured of each system, or JSONL with the same figures",
    )
    more("--grid", metavar="FOLDER", help="what hyper_ir.reproduce made, for figure 5")
    more("--sweeps", nargs="+", default=[], metavar="FILE", help="scores by setting: JSONL or TSV")
    more = verb.add_argument_group("prefix-length").add_argument
    more("--prefix-lengths", nargs="+", type=int, default=[10, 20, 50, 100, 200], metavar="M")
    more("--query-lengths", nargs="+", type=int, default=[8, 16, 32, 64], metavar="TOKENS")
    more("--batch-sizes", nargs="+", type=int, default=[1, 32], metavar="QUERIES")
    more("--rounds", type=int, default=9, help="how often each is timed")
    more(
        "--device", default="cpu", help="cpu, cuda, cuda:0, …; auto takes a GPU where there is one"
    )
    return verb


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, read all inputs, make the sections, write the report, and print the tables."""
    arguments = parser().parse_args(argv)
    given = list(sys.argv[1:] if argv is None else argv)
    command = shlex.join(["python", "-m", "hyper_ir.analyse", *given])

    from hyper_ir.analysis.pipeline import analyse
    from hyper_ir.analysis.report import HTML
    from hyper_ir.evaluation.rendering import print_tables

    problems = Problems(arguments.on_bad_input)
    request = _request(arguments, command)
    sections, left_out = analyse(request, problems, progress=not arguments.quiet)
    for section in sections:
        print_tables(section.tables)
    for line in [*left_out, problems.summary(), _made(sections, request.output / HTML)]:
        if line:
            print(line, file=sys.stderr)


def _request(arguments: argparse.Namespace, command: str) -> Request:
    from hyper_ir.analysis.pipeline import Request
    from hyper_ir.analysis.prefix_timing import PrefixSettings

    only = None
    if arguments.only is not None:
        only = [name for text in arguments.only for name in text.split(",") if name]
    return Request(
        output=Path(arguments.output),
        model=arguments.model,
        topics=arguments.topics,
        advice=arguments.advice,
        sweeps=[Path(name) for name in arguments.sweeps],
        grid=None if arguments.grid is None else Path(arguments.grid),
        only=only,
        max_queries=arguments.max_queries or None,
        max_length=arguments.max_length,
        bases=arguments.query,
        share=arguments.share,
        prefixes=PrefixSettings(
            arguments.prefix_lengths,
            arguments.query_lengths,
            arguments.batch_sizes,
            arguments.rounds,
            arguments.device,
            arguments.seed,
        ),
        seed=arguments.seed,
        update=arguments.update,
        overwrite=arguments.overwrite,
        command=command,
    )


def _made(sections: Sequence[Section], page: Path) -> str:
    pictures = sum(len(section.pictures) for section in sections)
    tables = sum(len(section.tables) for section in sections)
    return f"{counted(pictures, 'figure')} and {counted(tables, 'table')}: open {page}"


if __name__ == "__main__":
    run(main, on_bad_input=True)
