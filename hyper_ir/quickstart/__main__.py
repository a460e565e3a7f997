"""``python -m hyper_ir.quickstart``: the whole job on real text, in minutes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hyper_ir.command import Parser, given, run
from hyper_ir.models.pretrained import DEFAULT, PREFIX
from hyper_ir.quickstart.settings import Settings

PRETRAINED, FILES = "pretrained", "files"

PRETRAINED_PACKAGES = ["stdlib", "numpy"]
"""What is collected for a shipped model where nothing is said: a minute's encoding."""

DESCRIPTION = """\
Collect the documentation installed on this machine, index it for BM25, turn it into weighted
terms with an encoder that was never trained for that, index these, search topics of seven kinds,
and score both. Each step prints the command that does it alone; what was done before is skipped
when the quickstart runs again."""

EXAMPLE = """
python -m hyper_ir.quickstart
python -m hyper_ir.quickstart --output try --packages stdlib numpy --model models/my-splade
python -m hyper_ir.quickstart --pretrained
python -m hyper_ir.quickstart --pretrained --files ~/notes --ask "when is the boiler serviced"
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and run the quickstart."""
    defaults = Settings()
    parser = Parser("python -m hyper_ir.quickstart", DESCRIPTION, EXAMPLE)
    parser.add_argument(
        "--output",
        type=Path,
        help=f"folder for all that is made (default: {defaults.output}; {PRETRAINED} or {FILES} in "
        "it where these are asked for)",
    )
    parser.add_argument(
        "--model",
        help="encoder or masked-LM folder, or hub name (default: the installed all-MiniLM-L6-v2)",
    )
    parser.add_argument(
        "--pretrained",
        nargs="?",
        const=DEFAULT,
        metavar="NAME",
        help="search with a model that is shipped with hyper_ir, and train nothing (default NAME: "
        f"{DEFAULT})",
    )
    parser.add_argument(
        "--files",
        type=Path,
        metavar="FOLDER",
        help="your own text and Markdown files in place of the documentation; nothing is trained "
        "or scored",
    )
    parser.add_argument("--ask", nargs="+", metavar="QUESTION", help="search --files for these")
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
    flags = given(parser, argv)
    _check(flags)
    untrained = arguments.pretrained or arguments.files
    if arguments.pretrained and not arguments.files and "packages" not in flags:
        arguments.packages = PRETRAINED_PACKAGES
    settings = Settings(
        output=arguments.output or _output(defaults.output, flags),
        packages=tuple(arguments.packages),
        words=arguments.words,
        max_topics=arguments.max_topics,
        seed=arguments.seed,
        steps=0 if untrained else arguments.steps,
        threads=arguments.threads,
    )

    model = PREFIX + arguments.pretrained if arguments.pretrained else arguments.model
    if arguments.files:
        from hyper_ir.quickstart.own_files import search_own_files

        search_own_files(settings, arguments.files, arguments.ask or (), model)
        return
    from hyper_ir.quickstart.quickstart import quickstart

    quickstart(settings, model)


def _output(folder: Path, flags: set[str]) -> Path:
    """Where things go where nothing is said: each kind of quickstart has a folder of its own."""
    if "files" in flags:
        return folder / FILES
    return folder / PRETRAINED if "pretrained" in flags else folder


def _check(flags: set[str]) -> None:
    """Raise ValueError for flags that exclude each other or would do nothing."""
    if "pretrained" in flags and "model" in flags:
        raise ValueError("--pretrained NAME and --model each name the model; give one of them")
    if "ask" in flags and "files" not in flags:
        raise ValueError("--ask searches --files FOLDER; the documentation has its own topics")
    for what in ("pretrained", "files"):
        if what in flags and "steps" in flags:
            raise ValueError(f"--{what} trains nothing; leave --steps out")
    idle = flags & {"packages", "words", "max_topics", "seed"}
    if "files" in flags and idle:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(idle))
        raise ValueError(f"{names}: for the documentation, not for --files")


if __name__ == "__main__":
    run(main, hint="the same command again goes on behind the last finished step", notes=False)
