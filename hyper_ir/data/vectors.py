"""Sparse vectors as Anserini's JsonVectorCollection reads them: a JSON object a line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from hyper_ir.data.checks import checked_id, checked_text, shortened
from hyper_ir.data.seen_ids import Duplicates
from hyper_ir.files import read_jsonl, require_file
from hyper_ir.problems import Problems

# Every tool that reads vectors fails on an empty one; these stand in an empty text's place.
# They are no token of any vocabulary, and differ, so that they never match.
EMPTY_DOCUMENT = "[empty-document]"
EMPTY_QUERY = "[empty-query]"

SUFFIXES = (".jsonl", ".json", ".jsonl.gz", ".json.gz")

# Where Lucene's whitespace tokenizer cuts: Java's Character.isWhitespace, which is not Python's
# (a no-break space, for one, does not cut).
_JAVA_SPACE = re.compile("[\t-\r\x1c-\x20\u1680\u2000-\u2006\u2008-\u200a\u2028\u2029\u205f\u3000]")

LARGEST_WEIGHT = 2**31 - 1  # Java's int

# Lucene's whitespace tokenizer cuts a longer token in two; it counts UTF-16 code units.
LONGEST_TOKEN = 255

DENSE = (
    "dense vectors (lists): an impact index needs sparse ones; encode with a model that has a "
    "masked-LM head or graft one"
)


Vector = TypeVar("Vector")


def read_vectors(
    source: str | os.PathLike[str], problems: Problems | None = None
) -> Iterator[tuple[str, dict[str, int], str]]:
    """Yield ``(id, {token: weight}, "FILE:LINE")`` of a file or of a folder's files by name.

    Memory: one vector, and 11 to 21 bytes an id to find duplicates (see ``Duplicates``). Bad
    records go to ``problems``: no id or white space in it, an id that was there before, a
    missing, empty or dense vector, a token that is empty, holds white space or is longer than
    ``LONGEST_TOKEN``, and a weight that is no integer of at least 1 (Anserini cuts 0.99 to 0,
    silently). Raises ValueError where the source does not exist or no vector is left.
    """
    return read_checked(source, checked_vector, problems)


def vector_files(source: str | os.PathLike[str]) -> list[Path]:
    """The file, or the folder's JSON files in the order of their names; ValueError for none."""
    if not Path(source).is_dir():
        return [require_file(source, "vectors")]
    inside = sorted(Path(source).iterdir())
    files = [
        path
        for path in inside
        if path.name.endswith(SUFFIXES) and not path.name.startswith(".") and path.is_file()
    ]
    if not files:
        raise ValueError(f"vectors: {source} holds no file named {', '.join(SUFFIXES)}")
    return files


def read_checked(
    source: str | os.PathLike[str],
    check: Callable[[Any], Vector],
    problems: Problems | None = None,
) -> Iterator[tuple[str, Vector, str]]:
    """Yield ``(id, vector, "FILE:LINE")`` as :func:`read_vectors` does, for any kind of vector.

    ``check`` turns the record's ``vector`` into one, or raises ValueError (without a place).
    """
    problems = problems if problems is not None else Problems()
    return _read(vector_files(source), os.fspath(source), check, problems)


def _read(
    files: list[Path], source: str, check: Callable[[Any], Vector], problems: Problems
) -> Iterator[tuple[str, Vector, str]]:
    duplicates = Duplicates(partial(_places, files, check))
    for path in files:
        for where, record in read_jsonl(path, problems):
            try:
                id, vector = _parse(record, check)
                before = duplicates.place_before(id, where)
                if before is not None:
                    raise ValueError(f"id {id:.100} stands at {before} already")
            except ValueError as error:
                problems.found(where, str(error))
                continue
            yield id, vector, where
    if not len(duplicates):
        raise ValueError(f"{source}: no vector could be read\n{problems.summary()}".rstrip())


def _parse(record: dict[str, Any], check: Callable[[Any], Vector]) -> tuple[str, Vector]:
    return checked_id(record.get("id"), "id"), check(record.get("vector"))


def _places(files: list[Path], check: Callable[[Any], Vector]) -> Iterator[tuple[str, str]]:
    """The id and place of every good record, as ``_read`` meets them."""
    for path in files:
        for where, record in read_jsonl(path, Problems("skip", keep=0)):
            with suppress(ValueError):
                id, _ = _parse(record, check)
                yield id, where


def checked_vector(vector: Any) -> dict[str, int]:
    """Return the vector; raises ValueError (without a place) for what Lucene would not index."""
    if isinstance(vector, list):
        raise ValueError(DENSE)
    if not isinstance(vector, dict):
        kind = "missing" if vector is None else f"of type {type(vector).__name__}"
        raise ValueError(f"vector is {kind}; an object of token: weight is needed")
    if not vector:
        raise ValueError(f"vector is empty; a placeholder such as {EMPTY_DOCUMENT} is needed")
    for token, weight in vector.items():
        if type(weight) is not int or not 1 <= weight <= LARGEST_WEIGHT:
            raise ValueError(
                f"weight {shortened(weight)} of token {shortened(token)} is not an integer "
                f"from 1 to {LARGEST_WEIGHT}"
            )
    joined = checked_text("".join(vector), "a token")
    if "" in vector or _JAVA_SPACE.search(joined):
        bad = next(token for token in vector if not token or _JAVA_SPACE.search(token))
        raise ValueError(f"token {shortened(bad)} is empty or holds white space")
    if (long := _too_long(vector)) is not None:
        raise ValueError(
            f"token {shortened(long)} is longer than {LONGEST_TOKEN} UTF-16 code units, where "
            "Lucene would cut it in two"
        )
    return vector


def _too_long(vector: dict[str, int]) -> str | None:
    """The first token that is too long for Lucene, None where there is none."""
    # A character takes one or two code units: few vectors need a closer look.
    if 2 * max(map(len, vector)) <= LONGEST_TOKEN:
        return None
    return next((token for token in vector if code_units(token) > LONGEST_TOKEN), None)


def code_units(token: str) -> int:
    """The length of a token as Java counts it."""
    return len(token.encode("utf-16-le", "surrogatepass")) // 2
