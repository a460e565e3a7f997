"""``python -m hyper_ir.encode.explain``: what a query becomes, and which prompts it attends to."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hyper_ir.command import Parser, run

if TYPE_CHECKING:
    from hyper_ir.encode.explanation import Explanation

EXAMPLE = """
python -m hyper_ir.encode.explain --encoder models/hyper "who wrote Dracula" --terms 10 \\
  --against "Dracula was written by Bram Stoker" "novels like Dracula"
"""


def parser() -> argparse.ArgumentParser:
    """The verb's arguments."""
    from hyper_ir.encode.arguments import add_model_arguments

    verb = Parser(
        "python -m hyper_ir.encode.explain",
        "Show a query's terms, heaviest first, and the prompts that it attends to; with several\n"
        "queries also how far their attentions over the prompts are from each other.",
        EXAMPLE,
    )
    verb.add_argument("query", help="the query's text")
    verb.add_argument(
        "--against", nargs="+", default=[], metavar="QUERY", help="queries to compare it with"
    )
    verb.add_argument("--terms", type=int, default=20, help="terms shown; --json has all")
    verb.add_argument("--json", action="store_true", help="print JSON")
    add_model_arguments(verb)
    return verb


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, encode, and print."""
    arguments = parser().parse_args(argv)
    if arguments.terms < 0:
        raise ValueError(f"--terms: {arguments.terms} is below 0")

    from hyper_ir.encode.arguments import engine_of
    from hyper_ir.encode.explanation import explain, prompt_divergence

    engine = engine_of(arguments, "query")
    explanations = [explain(engine, query) for query in (arguments.query, *arguments.against)]
    divergence = prompt_divergence(explanations)
    if arguments.json:
        content = {
            "queries": [each.as_json() for each in explanations],
            "prompt_divergence": divergence,
        }
        print(json.dumps(content, indent=2, ensure_ascii=False))
        return
    print(in_words(explanations, divergence, arguments.terms))


def in_words(
    explanations: Sequence[Explanation], divergence: list[list[float]] | None, terms: int
) -> str:
    """The explanations one below the other, and the divergences where there are several."""
    parts = [each.text(terms) for each in explanations]
    if len(explanations) > 1:
        parts.append(_matrix(divergence) if divergence else "no prompts that could be compared")
    return "\n\n".join(parts)


def _matrix(divergence: list[list[float]]) -> str:
    """A table of the queries' numbers from 1."""
    lines = ["divergence of their attentions over the prompts (JSD in nats, 0 to 0.693)"]
    lines.append(" " * 8 + "".join(f"{number:8d}" for number in range(1, len(divergence) + 1)))
    for number, row in enumerate(divergence, start=1):
        lines.append(f"{number:8d}" + "".join(f"{value:8.4f}" for value in row))
    return "\n".join(lines)


if __name__ == "__main__":
    run(main)
