"""``python -m hyper_ir.encode.graft``: give an encoder without a masked-LM head a lexical one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hyper_ir.command import Parser, run
from hyper_ir.data.corpus import FORMATS, open_corpus
from hyper_ir.models.checkpoint import MODEL_MARKS
from hyper_ir.outputs import require_output_folder
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

EXAMPLE = """
python -m hyper_ir.encode.graft --encoder models/all-MiniLM-L6-v2 \\
  --corpus corpus.jsonl.gz --output models/minilm-lexical
"""


def parser() -> argparse.ArgumentParser:
    """The verb's arguments; the defaults are those of GraftConfig and SampleConfig."""
    from hyper_ir.encode.grafting import LENGTH, SampleConfig
    from hyper_ir.models.grafting import GraftConfig

    config, sample = GraftConfig(), SampleConfig()
    verb = Parser(
        "python -m hyper_ir.encode.graft",
        "Fit a lexical head for an encoder in closed form, on a collection's texts:\n"
        "a zero-shot SPLADE from any encoder, and a start for training.",
        EXAMPLE,
    )
    verb.add_argument("--encoder", required=True, metavar="MODEL", help="an encoder's folder")
    verb.add_argument("--corpus", required=True, help="file, folder, or ir_datasets:NAME")
    verb.add_argument("--format", choices=FORMATS, default="auto", help="of the corpus")
    verb.add_argument(
        "--on-bad-input", choices=["stop", "skip"], default="stop", help="skip counts and lists"
    )
    verb.add_argument("--output", required=True, help="folder for the retriever")
    verb.add_argument("--overwrite", action="store_true", help="replace the folder")
    verb.add_argument("--tokens", type=int, default=sample.tokens, help="tokens fitted on")
    verb.add_argument(
        "--max-length",
        type=int,
        help=f"of a text fitted on (default: {LENGTH}, or the model's limit where that is less)",
    )
    verb.add_argument("--seed", type=int, default=sample.seed, help="of the sample")
    verb.add_argument("--ridge", type=float, default=config.ridge, help="the regression's penalty")
    verb.add_argument(
        "--threshold", type=float, default=config.threshold, help="cosine that gives no weight"
    )
    verb.add_argument(
        "--anchor",
        type=float,
        default=config.anchor,
        help="cosine that a text's own tokens have at least; -1: no such floor",
    )
    verb.add_argument("--scale", type=float, default=config.scale, help="of the logits")
    verb.add_argument(
        "--idf-power", type=float, default=config.idf_power, help="how much rare tokens weigh"
    )
    return verb


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, check, fit, save, and name the next command."""
    arguments = parser().parse_args(argv)

    from hyper_ir.encode.grafting import SampleConfig, graft
    from hyper_ir.models.grafting import GraftConfig

    output = require_output_folder(
        arguments.output, arguments.overwrite, MODEL_MARKS, "a model", [arguments.encoder]
    )
    config = GraftConfig(
        arguments.ridge,
        arguments.threshold,
        arguments.anchor,
        arguments.scale,
        arguments.idf_power,
    )
    sample = SampleConfig(arguments.tokens, arguments.max_length, seed=arguments.seed)
    problems = Problems(arguments.on_bad_input)
    corpus = open_corpus(arguments.corpus, format=arguments.format, problems=problems)
    texts = (passage.text for passage in corpus)
    retriever, fitted = graft(arguments.encoder, texts, config, sample)
    retriever.save_pretrained(output, overwrite=arguments.overwrite)
    if problems.count:
        print(problems.summary(), file=sys.stderr)
    print(
        f"fitted on {counted(fitted.tokens, 'token')}; {fitted.self_accuracy:.0%} of the last "
        f"batch's tokens are their own nearest: {output}"
    )
    print(
        f"next: python -m hyper_ir.encode input --corpus {arguments.corpus} "
        f"output --embeddings vectors/NAME encoder --encoder {output}"
    )


if __name__ == "__main__":
    run(main, on_bad_input=True)
