"""``python -m hyper_ir.encode.backbone``: a retriever's document encoder as a model of its own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from hyper_ir.command import Parser, run
from hyper_ir.models.checkpoint import MODEL_MARKS
from hyper_ir.outputs import require_output_folder

DESCRIPTION = """\
Write a retriever's document encoder as a retriever that encodes queries with it too, without
prompts: where documents were frozen, that is the backbone which training began with, and what
another query encoder, or another grid, can begin with again."""

EXAMPLE = """
python -m hyper_ir.encode.backbone --model hyper_ir:hyper-minilm --output models/warm/model
python -m hyper_ir.train --config mini-kilt --model models/warm/model --output models/hyper
"""


def parser() -> argparse.ArgumentParser:
    """The verb's arguments."""
    verb = Parser("python -m hyper_ir.encode.backbone", DESCRIPTION, EXAMPLE)
    verb.add_argument("--model", required=True, help="a retriever's folder, or a shipped model")
    verb.add_argument("--output", required=True, metavar="FOLDER", help="folder to write")
    verb.add_argument("--overwrite", action="store_true", help="replace FOLDER where it exists")
    return verb


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, check, write, and name the next command."""
    arguments = parser().parse_args(argv)
    output = require_output_folder(
        arguments.output, arguments.overwrite, MODEL_MARKS, "a model", [arguments.model]
    )

    from hyper_ir.models.retriever import Retriever

    retriever = Retriever.from_pretrained(arguments.model)
    retriever.document_encoder().save_pretrained(output, arguments.overwrite)
    print(f"written: {output}")
    recipe = "mini-kilt" if retriever.vocabulary else "mini-kilt-dpr"
    print(f"next: python -m hyper_ir.train --config {recipe} --model {output} --output models/new")


if __name__ == "__main__":
    run(main)
