"""Records of a corpus file: JSON Lines, or one JSON array of objects, as Anserini reads both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from hyper_ir.bounded import LONGEST_LINE, read_blocks
from hyper_ir.files import read_jsonl
from hyper_ir.problems import Problems

_DECODER = json.JSONDecoder()
BEHIND = (*", ]\t\n\r",)
"""What can stand behind an element."""

_SPACE = re.compile(r"[ \t\n\r]*")


def read_records(path: Path, problems: Problems) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(place, object)`` of every record; an array's places are ``FILE: element N``.

    Lines and elements are streamed. What is no object goes to ``problems``; raises ValueError
    where an array is broken, since nothing tells where its next element begins.
    """
    if not is_array(path):
        yield from read_jsonl(path, problems)
        return
    for number, element in enumerate(_elements(path), start=1):
        where = f"{path}: element {number}"
        if isinstance(element, dict):
            yield where, element
        else:
            problems.found(where, f"not a JSON object: {type(element).__name__}")


def is_array(path: Path) -> bool:
    """Whether the file's first character that is no white space is ``[``."""
    try:
        starts = (block.lstrip() for block in read_blocks(path))
        return next((start for start in starts if start), "").startswith("[")
    except ValueError:  # the reader of lines says which line is damaged
        return False


def _elements(path: Path) -> Iterator[Any]:
    text = _Text(path)
    done = 0
    try:
        text.sign()
        if text.sign(taken=False) == "]":
            text.sign()
        else:
            sign = ","
            while sign == ",":
                yield text.value()
                done += 1
                sign = text.sign()
            if sign != "]":
                raise ValueError("',' or ']' is missing")
        if text.sign():
            raise ValueError("more stands behind its end")
    except (ValueError, RecursionError) as error:
        place = f" after element {done}" if done else ""
        why = error.msg if isinstance(error, JSONDecodeError) else error
        raise ValueError(
            f"{path}: starts with '[' and is no JSON array: {why}{place}; mend it, or write one "
            "object a line (JSONL)"
        ) from error


class _Text:
    """A file's text, of which one element is held, and what was read behind it."""

    def __init__(self, path: Path) -> None:
        self._blocks = read_blocks(path)
        self._held = ""
        self._at = 0

    def sign(self, taken: bool = True) -> str:
        """The next character that is no white space, empty at the end; ``taken`` goes past it."""
        while True:
            self._skip_space()
            if self._at < len(self._held):
                self._at += taken
                return self._held[self._at - taken]
            if not self._grow():
                return ""

    def value(self) -> Any:
        """The next value; ValueError where there is none."""
        while True:
            self._skip_space()
            try:
                value, end = _DECODER.raw_decode(self._held, self._at)
            except JSONDecodeError:
                if not self._grow():
                    raise
                continue
            # A number may go on in what is not read yet.
            if self._held[end : end + 1] in BEHIND or not self._grow():
                self._at = end
                return value

    def _skip_space(self) -> None:
        space = _SPACE.match(self._held, self._at)
        assert space is not None
        self._at = space.end()

    def _grow(self) -> bool:
        """Read as much again as is held; at the file's end nothing changes, and it is False."""
        rest = self._held[self._at :]
        if len(rest) >= LONGEST_LINE:
            raise ValueError(f"an element has over {LONGEST_LINE:,} characters")
        parts, size = [rest], 0
        wanted = max(1, min(len(rest), LONGEST_LINE - len(rest)))
        while size < wanted and (block := next(self._blocks, "")):
            parts.append(block)
            size += len(block)
        if size:
            self._held, self._at = "".join(parts), 0
        return size > 0
