"""``python -m hyper_ir.advise``: how far to prune, by size, speed and score on a dev set."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hyper_ir.command import Parser, given, run
from hyper_ir.data.topics import FORMATS
from hyper_ir.files import bytes_within, require_writable_folder
from hyper_ir.problems import Problems
from hyper_ir.search.model_flags import MODEL_FLAGS, add_model_flags, model_settings

if TYPE_CHECKING:
    from hyper_ir.advising.inputs import Inputs
    from hyper_ir.advising.study import Study

DESCRIPTION = """Sweep quantisation factor x terms of a document x terms of a query on a dev set.

From one folder of vectors, encoded once with the largest factor and all terms, an index is built
for each factor and top-k; each is searched with whole and with pruned queries. What comes out:
size on disk, queries/s, scores, overlap with unpruned and the Pareto front, as a table and a plot,
and the smallest and the fastest setting that keeps the score. What was done in the output folder
before is not done again."""

EXAMPLE = """
python -m hyper_ir.advise --vectors vectors/nfcorpus --topics runs/nfcorpus-dev.tsv \\
  --encoder models/splade --qrels qrels/nfcorpus-dev.qrels --output runs/advice
python -m hyper_ir.advise --vectors vectors/kilt --topics nq-dev-kilt.jsonl \\
  --encoder models/hyper --qrels nq-dev-kilt.jsonl --measures KILTRprec --max-passage \\
  --output runs/advice.nq
"""


def parser() -> argparse.ArgumentParser:
    """The verb's arguments; those of searching are named as ``hyper_ir.search`` names them."""
    verb = Parser("python -m hyper_ir.advise", DESCRIPTION, EXAMPLE)
    add = verb.add_argument
    add("--vectors", required=True, help="file or folder of sparse vectors (hyper_ir.encode's)")
    add("--topics", required=True, help="of a dev set: texts with --encoder, or encoded topics")
    add("--topics-format", choices=FORMATS, default="auto", help="of text topics")
    add("--qrels", required=True, help="of the dev set: TREC, BEIR, a KILT task file")
    add("--output", required=True, help="folder for the advice; taken up where it stopped")
    add("--threads", type=int, default=os.cpu_count() or 1, help="to index, and to search runs")
    add("--on-bad-input", choices=["stop", "skip"], default="stop", help="skip counts and lists")
    add("--quiet", action="store_true", help="no progress bars")

    grid = verb.add_argument_group("what is swept")
    more = grid.add_argument
    more(
        "--factors",
        type=float,
        nargs="+",
        metavar="F",
        help="of quantisation, at most the vectors' own (default: that, 50, 25 and 10)",
    )
    more(
        "--top-k",
        type=int,
        nargs="+",
        default=[0, 256, 128, 64],
        metavar="K",
        help="terms of a document; 0: all",
    )
    more(
        "--query-terms",
        type=int,
        nargs="+",
        default=[0, 32, 16, 8],
        metavar="K",
        help="terms of a query; 0: all",
    )
    more("--vectors-factor", type=float, metavar="F", help="of vectors without a manifest")

    scored = verb.add_argument_group("how it is scored and timed")
    more = scored.add_argument
    more(
        "--measures",
        nargs="+",
        default=["nDCG@10"],
        metavar="M",
        help="as hyper_ir.evaluate takes them, KILTRprec for one; the first decides",
    )
    more(
        "--tolerance",
        type=float,
        metavar="D",
        help="how much lower a mean score may be to be recommended (default: 1 %% of the unpruned "
        "score, as long as a paired t-test does not find it lower)",
    )
    more("--passes", type=int, default=7, help="timed passes over the sample, all settings in turn")
    more("--sample", type=int, default=100, help="topics that are timed, one at a time")
    more("--clean", action="store_true", help="remove the indexes in the end")

    search = verb.add_argument_group("encoding and searching, as in hyper_ir.search")
    more = search.add_argument
    more("--encoder", help="model (folder or name), or JSONL of cached vectors")
    add_model_flags(more, "the topics'")
    more("--hits", type=int, default=100, help="documents (passages) for a topic")
    more("--max-passage", action="store_true", help="collapse passages PAGE#N to their pages")
    more("--max-passage-delimiter", default="#", help="between page and number; the last counts")
    more("--remove-query", action="store_true", help="drop the document with the topic's own id")
    more("--min-idf", type=float, default=0, help="leave out tokens of no higher idf; -1: none")
    more(
        "--engine",
        choices=["auto", "lucene", "exact"],
        default="auto",
        help="exact needs no Java; sizes are then those of gzipped vectors",
    )
    return verb


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, check, sweep, and print the table, the advice and the next commands."""
    verb = parser()
    arguments = verb.parse_args(argv)
    if arguments.encoder is None and (flags := given(verb, argv) & MODEL_FLAGS):
        names = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(flags))
        raise ValueError(f"{names}: for --encoder MODEL; without one the topics are encoded")
    folder = require_writable_folder(arguments.output, "output")

    from hyper_ir.advising.grid import make_grid
    from hyper_ir.advising.inputs import check
    from hyper_ir.advising.study import Study
    from hyper_ir.advising.tables import lines, table
    from hyper_ir.evaluation.rendering import print_tables

    problems = Problems(arguments.on_bad_input)
    checked = check(_inputs(arguments), problems)
    grid = make_grid(checked.own_factor, arguments.factors, arguments.top_k, arguments.query_terms)
    study = Study(checked, grid, folder, arguments.tolerance, problems, _tell)
    advice = study.run(progress=not arguments.quiet)
    if problems.count:
        print(problems.summary(), file=sys.stderr)
    print_tables([table(advice, only_front=True)])
    for line in lines(advice):
        print(line)
    print(f"\nall settings, and a plot: {folder}/advice.md, .json, .svg, .png")
    print("the recommended setting:")
    for line in study.commands(advice):
        print(f"  {line}")
    _scratch(study, arguments.clean)


def _inputs(arguments: argparse.Namespace) -> Inputs:
    from hyper_ir.advising.inputs import Inputs
    from hyper_ir.search.pipeline import Depth

    return Inputs(
        vectors=arguments.vectors,
        topics=arguments.topics,
        qrels=arguments.qrels,
        measures=tuple(arguments.measures),
        encoder=arguments.encoder,
        settings=model_settings(arguments),
        topics_format=arguments.topics_format,
        depth=Depth(
            hits=arguments.hits,
            without_query=arguments.remove_query,
            pages=arguments.hits if arguments.max_passage else None,
            delimiter=arguments.max_passage_delimiter,
        ),
        min_idf=arguments.min_idf,
        engine=arguments.engine,
        vectors_factor=arguments.vectors_factor,
        threads=arguments.threads,
        passes=arguments.passes,
        sample=arguments.sample,
    )


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _scratch(study: Study, clean: bool) -> None:
    """Remove the indexes, or say where they are and how large."""
    folder = study.indexes.folder
    if clean:
        study.indexes.remove()
    elif folder.is_dir():
        size = bytes_within(folder)
        print(f"{folder} holds the indexes, {size / 1e6:,.1f} MB; --clean removes them")


if __name__ == "__main__":
    run(main, hint="the same command again goes on", on_bad_input=True, notes=False)
