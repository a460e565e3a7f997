"""Records of a corpus file: JSON Lines, or one JSON array of objects, as Anserini reads both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hyper_ir.files import read_jsonl, read_lines
from hyper_ir.problems import Problems


def read_records(path: Path, problems: Problems) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(place, object)`` of every record; an array's places are ``FILE: element N``.

    JSON Lines are streamed. An array is held in memory as a whole, in several times its file's
    size. What is no object goes to ``problems``; raises ValueError for a broken array.
    """
    if not _is_array(path):
        yield from read_jsonl(path, problems)
        return
    for number, element in enumerate(_load(path), start=1):
        where = f"{path}: element {number}"
        if isinstance(element, dict):
            yield where, element
        else:
            problems.found(where, f"not a JSON object: {type(element).__name__}")


def _is_array(path: Path) -> bool:
    lines = (line.lstrip() for _, line in read_lines(path, Problems("skip", keep=0)))
    return next((line for line in lines if line), "").startswith("[")


def _load(path: Path) -> list[Any]:
    try:
        elements: list[Any] = json.loads("\n".join(line for _, line in read_lines(path)))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path}: starts with '[' and is no JSON array: {error}; mend it, or write one object "
            "a line (JSONL)"
        ) from error
    return elements
