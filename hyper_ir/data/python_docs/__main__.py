"""``python -m hyper_ir.data.python_docs``: the documentation installed here as a collection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hyper_ir.command import Parser, run
from hyper_ir.data.python_docs.collect import CollectConfig, collect
from hyper_ir.data.python_docs.writing import PAGES, task_file
from hyper_ir.wording import counted

DESCRIPTION = """\
Collect the docstrings of the standard library and of installed packages, by reading their source
without importing it, and make topics of seven kinds with the judgments that the documentation
itself gives: summary, relation, parameter, returns, notes, linking, doctest. Pages and topics are
written in KILT's formats; train, dev and test topics come from different modules."""

EXAMPLE = "python -m hyper_ir.data.python_docs --output docs --packages stdlib numpy scipy"


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line and collect."""
    defaults = CollectConfig()
    parser = Parser("python -m hyper_ir.data.python_docs", DESCRIPTION, EXAMPLE)
    parser.add_argument("--output", required=True, help="folder to be made")
    parser.add_argument(
        "--packages",
        nargs="+",
        default=list(defaults.packages),
        help="packages to read; those that are not installed are left out",
    )
    parser.add_argument(
        "--words", type=int, default=defaults.words, help="most words of a page's text"
    )
    parser.add_argument(
        "--max-topics",
        type=int,
        default=defaults.max_topics,
        help="most train topics of a kind; dev and test have at most a quarter as many each",
    )
    parser.add_argument("--seed", type=int, default=defaults.seed, help="chooses among the topics")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a collection that stands there"
    )
    arguments = parser.parse_args(argv)
    config = CollectConfig(
        tuple(arguments.packages), arguments.words, arguments.max_topics, arguments.seed
    )
    description = collect(arguments.output, config, arguments.overwrite, progress=True)
    print(in_words(description))
    print(
        f"next: python -m hyper_ir.data passages --corpus {arguments.output}/{PAGES} "
        "--output passages\n"
        f"      python -m hyper_ir.data topics --topics "
        f"{arguments.output}/{task_file('summary', 'test')} --output topics.tsv "
        "--qrels topics.qrels"
    )
    return 0


def in_words(description: dict[str, Any]) -> str:
    """The collection's description as lines of text."""
    lines = [
        f"{counted(description['pages'], 'page')} of {description['mean_words']} words on average:"
    ]
    lines += [
        f"  {package} {description['packages'][package]}: {count:,}"
        for package, count in description["pages_of"].items()
    ]
    if description["unreadable"]:
        lines.append(f"files not read: {description['reading']['files not read']}")
        lines += [f"  {reason}" for reason in description["unreadable"]]
    lines.append(f"{'topics':12}{'train':>7}{'dev':>7}{'test':>7}   words")
    lines += [
        f"  {task:10}{counts['train']:7,}{counts['dev']:7,}{counts['test']:7,}"
        f"{counts['mean_words']:8}"
        for task, counts in description["tasks"].items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    run(main)
