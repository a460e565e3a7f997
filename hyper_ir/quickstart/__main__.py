"""``python -m hyper_ir.quickstart``: the whole job on real text, in minutes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hyper_ir.command import Parser, run
from hyper_ir.quickstart.settings import Settings

DESCRIPTION = """\
Collect the documentation installed on this machine, index it for BM25, turn it into weighted
terms with an encoder that was never trained for that, index these, search topics of seven kinds,
and score both. Each step prints the command that does it alone; what was done before is skipped
when the quickstart runs again."""

EXAMPLE = """
python -m hyper_ir.quickstart
python -m hyper_ir.quickstart --output try --packages stdlib numpy --model models/my-splade"""


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and run the quickstart."""
    defaults = Settings()
    parser = Parser("python -m hyper_ir.quickstart", DESCRIPTION, EXAMPLE)
    parser.add_argument(
        "--output", type=Path, default=defaults.output, help="folder for all that is made"
    )
    parser.add_argument(
        "--model",
        help="encoder or masked-LM folder, or hub name (default: the installed all-MiniLM-L6-v2)",
    )
    parser.add_argument(
        "--packages",
        nargs="+",
        default=list(defaults.packages),
        help="whose documentation is collected; those that are not installed are left out",
    )
    parser.add_argument("--words", type=int, default=defaults.words, help="most words of a page")
    parser.add_argument(
        "--max-topics", type=int, default=defaults.max_topics, help="most train topics of a kind"
    )
    parser.add_argument("--seed", type=int, default=defaults.seed, help="chooses the topics")
    parser.add_argument(
        "--steps",
        type=int,
        default=defaults.steps,
        help="optimiser steps of each query encoder that is trained; 0 trains none",
    )
    parser.add_argument(
        "--threads", type=int, default=defaults.threads, help="for indexing and searching"
    )
    arguments = parser.parse_args(argv)
    settings = Settings(
        output=arguments.output,
        packages=tuple(arguments.packages),
        words=arguments.words,
        max_topics=arguments.max_topics,
        seed=arguments.seed,
        steps=arguments.steps,
        threads=arguments.threads,
    )

    from hyper_ir.quickstart.quickstart import quickstart

    quickstart(settings, arguments.model)


if __name__ == "__main__":
    run(main, hint="the same command again goes on behind the last finished step")
