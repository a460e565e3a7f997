"""``python -m hyper_ir.merge``: runs of shards, searched far apart, into the run of one index."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from shlex import quote

from hyper_ir.command import Parser, positive, run
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

DESCRIPTION = """Merge runs of parts of a collection into one run, exactly: byte for byte the run of
an impact search over one index of the whole. Runs of any size: one topic is in memory."""

EXAMPLE = """
python -m hyper_ir.search --impact --index indexes/kilt/shard-00 --topics runs/topics.splade.tsv \\
  --output runs/shard-00.trec --hits 1000            # on one machine, and so on
python -m hyper_ir.merge runs/shard-*.trec --output runs/kilt.splade.trec --k 1000
"""


def parser() -> argparse.ArgumentParser:
    """The verb's arguments."""
    verb = Parser("python -m hyper_ir.merge", DESCRIPTION, EXAMPLE)
    add = verb.add_argument
    add(
        "runs", nargs="+", metavar="RUN", help="run of a part, gzip allowed; the same topics in all"
    )
    add("--output", required=True, help="run to write")
    add("--k", "--hits", type=positive, default=1000, help="documents for a topic")
    add("--tag", help="the run's name (default: the runs' own, or else the output's stem)")
    add("--partial", action="store_true", help="merge although shards are missing")
    add(
        "--any-scores",
        action="store_true",
        help="merge scores that are no sums of impacts, as they are: right for dense vectors",
    )
    add("--on-bad-input", choices=["stop", "skip"], default="stop", help="skip counts and lists")
    add("--quiet", action="store_true", help="no progress bar")
    lists = verb.add_argument_group("what is done to a topic's list, after merging")
    more = lists.add_argument
    more("--remove-query", action="store_true", help="drop the document with the topic's own id")
    more("--max-passage", action="store_true", help="collapse passages PAGE#N to their pages")
    more("--max-passage-delimiter", default="#", help="between page and number; the last counts")
    more("--max-passage-hits", type=positive, default=100, help="pages for a topic")
    return verb


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, merge, report, and name the next command."""
    arguments = parser().parse_args(argv)

    from hyper_ir.search.merging import merge_runs
    from hyper_ir.search.pipeline import Depth

    problems = Problems(arguments.on_bad_input)
    merged = merge_runs(
        arguments.runs,
        arguments.output,
        depth=Depth(
            hits=arguments.k,
            without_query=arguments.remove_query,
            pages=arguments.max_passage_hits if arguments.max_passage else None,
            delimiter=arguments.max_passage_delimiter,
        ),
        tag=arguments.tag,
        any_scores=arguments.any_scores,
        partial=arguments.partial,
        problems=problems,
        progress=not arguments.quiet,
    )
    if problems.count:
        print(problems.summary(), file=sys.stderr)
    for line in merged.lines():
        print(f"notice: {line}", file=sys.stderr)
    topics, hits = counted(merged.topics, "topic"), counted(merged.hits, "hit")
    print(f"{topics}, {hits}: {arguments.output}")
    print(f"next: python -m hyper_ir.evaluate --qrels QRELS --runs {quote(arguments.output)}")


if __name__ == "__main__":
    run(main, on_bad_input=True)
