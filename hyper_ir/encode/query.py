"""``python -m hyper_ir.encode.query``: topics to encoded topics, with Pyserini's flags."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hyper_ir.command import Parser, run
from hyper_ir.data.topics import read_topics
from hyper_ir.files import require_writable
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

EXAMPLE = """
python -m hyper_ir.encode.query --topics queries.jsonl --encoder models/splade \\
  --output runs/topics.splade.tsv --top-k 1024
python -m pyserini.search.lucene --impact --index indexes/splade \\
  --topics runs/topics.splade.tsv --output runs/splade.trec --hits 1000
"""


def parser() -> argparse.ArgumentParser:
    """The verb's arguments."""
    from hyper_ir.encode.arguments import add_model_arguments

    verb = Parser(
        "python -m hyper_ir.encode.query",
        "Encode topics into a file that stock Pyserini's impact search reads:\n"
        ".tsv (tokens repeated by impact), .jsonl (vectors by text), .pkl (dense).",
        EXAMPLE,
    )
    verb.add_argument(
        "--topics", required=True, help="TSV, BEIR, KILT or Pyserini topics, or ir_datasets:NAME"
    )
    verb.add_argument("--topics-format", default="auto", help="auto, tsv, beir, kilt, pyserini")
    verb.add_argument("--output", required=True, help="file ending in .tsv, .jsonl or .pkl")
    verb.add_argument(
        "--weight-range", type=float, help="Pyserini's: factor = quant / weight range"
    )
    verb.add_argument("--quant-range", type=float, help="Pyserini's: factor = quant / weight range")
    verb.add_argument(
        "--on-bad-input", choices=["stop", "skip"], default="stop", help="skip counts and lists"
    )
    add_model_arguments(verb)
    return verb


def factor_of(arguments: argparse.Namespace) -> float:
    """The quantization factor, given directly or as Pyserini's two ranges."""
    ranges = (arguments.weight_range, arguments.quant_range)
    if ranges == (None, None):
        return float(arguments.quantization_factor)
    if None in ranges or min(ranges) <= 0:
        raise ValueError("--weight-range and --quant-range: give both, above 0, or neither")
    return float(arguments.quant_range / arguments.weight_range)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, check, encode, and name the next command."""
    arguments = parser().parse_args(argv)
    path = require_writable(arguments.output, "output")
    problems = Problems(arguments.on_bad_input)
    topics = read_topics(arguments.topics, arguments.topics_format, problems)

    from hyper_ir.encode.arguments import engine_of
    from hyper_ir.encode.topics import check_output, encode_topics

    engine = engine_of(arguments, "query", factor_of(arguments))
    check_output(path, engine.sparse)
    written = encode_topics(engine, topics, path)
    if problems.count:
        print(problems.summary(), file=sys.stderr)
    for warning in written.warnings():
        print(f"warning: {warning}", file=sys.stderr)
    counts = written.manifest.counts
    terms = (
        f", {counts['terms'] / max(counts['topics'], 1):.0f} terms each" if engine.sparse else ""
    )
    print(f"{counted(counts['topics'], 'topic')}{terms}, {counts['empty']:,} empty: {path}")
    if engine.sparse:
        print(
            f"next: python -m hyper_ir.search --impact --index indexes/NAME --topics {path} "
            "--output runs/NAME.trec"
        )


if __name__ == "__main__":
    run(main, on_bad_input=True)
