"""``python -m hyper_ir.evaluate``: runs against qrels, paired tests, tables."""

from __future__ import annotations

from collections.abc import Sequence

from hyper_ir.command import run


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line, score, compare, and print or write the tables."""
    from hyper_ir.evaluation import verb  # imported here, where Ctrl-C is answered in one line

    verb.main(argv)


if __name__ == "__main__":
    run(main, on_bad_input=True)
