"""``python -m hyper_ir.encode.export``: a retriever's folder as sentence-transformers reads it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from hyper_ir.command import Parser, run
from hyper_ir.models.checkpoint import MODEL_MARKS
from hyper_ir.outputs import require_output_folder

EXAMPLE = """
python -m hyper_ir.encode.export --encoder models/splade-trained --output models/for-others
python -c "from sentence_transformers import SparseEncoder as S; S('models/for-others')"
"""


def parser() -> argparse.ArgumentParser:
    """The verb's arguments."""
    verb = Parser(
        "python -m hyper_ir.encode.export",
        "Write a lexical retriever as a folder that sentence_transformers.SparseEncoder loads.\n"
        "It must be one tower with the model's own masked-LM head, without prompts.",
        EXAMPLE,
    )
    verb.add_argument("--encoder", required=True, metavar="MODEL", help="a retriever's folder")
    verb.add_argument("--output", required=True, help="folder to write")
    verb.add_argument("--overwrite", action="store_true", help="replace the folder")
    return verb


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, check, write, and say how to load it."""
    arguments = parser().parse_args(argv)
    output = require_output_folder(
        arguments.output, arguments.overwrite, MODEL_MARKS, "a model", [arguments.encoder]
    )

    from hyper_ir.models.retriever import Retriever
    from hyper_ir.models.sentence_transformers_export import save_sentence_transformers

    retriever = Retriever.from_pretrained(arguments.encoder)
    save_sentence_transformers(retriever, output, arguments.overwrite, arguments.encoder)
    print(f"written: {output}")
    print(f"next: sentence_transformers.SparseEncoder({str(output)!r})")


if __name__ == "__main__":
    run(main)
