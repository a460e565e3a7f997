"""Results on disk: JSON with all that was measured, Markdown with the tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyper_ir.files import atomic_text, require_writable_folder, write_json

RESULTS = Path(__file__).parent / "results"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is of words, the others of numbers."""
    if any(len(row) != len(header) for row in rows):
        raise ValueError(f"a table of {len(header)} columns with a row of another length")
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, rule, *rows])


def check_output(folder: Path) -> None:
    """Raise ValueError, before hours of work, when nothing can be written there."""
    require_writable_folder(folder, "output")


def write(folder: Path, name: str, results: dict[str, Any], parts: Sequence[str]) -> str:
    """Write ``NAME.json`` and ``NAME.md`` into ``folder``, atomically; return the Markdown.

    ``parts`` are tables and paragraphs.
    """
    text = "\n\n".join(parts) + "\n"
    write_json(folder / f"{name}.json", results)
    with atomic_text(folder / f"{name}.md") as handle:
        handle.write(text)
    return text
