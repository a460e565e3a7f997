"""Pieces of a docstring's section: paragraphs, described items, references."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hyper_ir.data.python_docs.plain import (
    first_words,
    is_bullet,
    plain,
    share_of_words,
    without_bullet,
)

UNDERLINE = re.compile(r"^\s{0,3}[-=~^]{3,}\s*$")
_NUMPY_ENTRY = re.compile(r"^([*\w][\w*.,\s'\"-]*?)(?:\s*:\s*(.*))?$")
_GOOGLE_ENTRY = re.compile(
    r"^([*`]*\w[\w*`.\\]*(?:,\s*[*`]*\w[\w*`]*)*)\s*(?:\(([^:]*(?::[a-z]+:`[^`]*`)?[^:]*)\))?"
    r"\s*(?::|--)\s+(.*)$"
)
_REFERENCES = re.compile(
    r"^((?:(?::\w+:)?`?[~\w.]+`?(?:\(\))?)(?:\s*,\s*(?:(?::\w+:)?`?[~\w.]+`?(?:\(\))?))*)"
    r"\s*(?:(?::|--|-)\s+(.*))?$"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A named item of a section: a parameter, an exception, a reference."""

    name: str
    type: str
    text: str


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def end_of_indented(lines: list[str], at: int) -> int:
    """Behind the lines that are indented deeper than line ``at``."""
    margin = _indent(lines[at])
    end = at + 1
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > margin):
        end += 1
    return end


def without_margin(lines: list[str]) -> list[str]:
    """The lines without the indentation that all of them share."""
    margin = min((_indent(line) for line in lines if line.strip()), default=0)
    return [line[margin:] for line in lines]


def paragraphs(lines: list[str], examples: list[str]) -> list[str]:
    """Plain paragraphs; doctests go to ``examples``, other code and tables are dropped."""
    found: list[str] = []
    block: list[str] = []
    literal = False

    def close() -> None:
        nonlocal literal
        if not block:
            return
        text = plain(" ".join(block))
        literal = block[-1].rstrip().endswith("::")
        block.clear()
        if share_of_words(text) >= 0.5 and "====" not in text:
            found.append(text)

    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            close()
        elif line.lstrip().startswith(">>>"):
            close()
            end = at
            while end < len(lines) and lines[end].strip():
                end += 1
            examples.append("\n".join(without_margin(lines[at:end])))
            at = end
            continue
        elif literal and line.startswith(" ") and not block:
            at = _end_of_literal(lines, at)
            literal = False
            continue
        elif not UNDERLINE.match(line):
            literal = False
            if is_bullet(line):
                close()
            block.append(without_bullet(line))
        at += 1
    close()
    return found


def _end_of_literal(lines: list[str], at: int) -> int:
    """Behind an indented block of code; a doctest in it ends it."""
    while at < len(lines) and (not lines[at].strip() or lines[at].startswith(" ")):
        if lines[at].lstrip().startswith(">>>"):
            break
        at += 1
    return at


def _items(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """``(line without indentation, the indented lines below it)``; blank lines end neither."""
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        end = end_of_indented(lines, at)
        below = lines[at + 1 : end]
        yield lines[at].strip(), without_margin(below) if any(map(str.strip, below)) else []
        at = end


def entries(lines: list[str]) -> list[Entry]:
    """Parameters or exceptions with their descriptions, in numpy's or Google's style."""
    found: list[Entry] = []
    for head, below in _items(lines):
        google = _GOOGLE_ENTRY.match(without_bullet(head)) if not _is_numpy(head, below) else None
        if google:
            name, kind, first = google[1], google[2] or "", google[3]
            text = " ".join(paragraphs([first, *below], []))
        else:
            numpy_style = _NUMPY_ENTRY.match(head.replace("`", ""))
            if not numpy_style or not below:
                continue
            name, kind = numpy_style[1], numpy_style[2] or ""
            if kind.count("{") > kind.count("}") or kind.endswith((",", " or", "|")):
                kind, below = f"{kind} {below[0].strip()}", below[1:]  # goes on below
            text = " ".join(paragraphs(below, []))
        name = name.replace("`", "").replace("\\", "")
        if text and len(name) <= 60:
            found.append(Entry(name.strip(), plain(kind), text))
    return found


def _is_numpy(head: str, below: list[str]) -> bool:
    """Whether an entry's head is ``name : type``, its description standing below."""
    return bool(below) and (" : " in head or ":" not in head)


def returned(lines: list[str]) -> list[str]:
    """What is returned: numpy's descriptions below types, else paragraphs."""
    items = list(_items(lines))
    if any(below and _is_numpy(head, below) for head, below in items):
        return [text for _, below in items for text in paragraphs(below, [])]
    texts: list[str] = []
    for text in paragraphs([line.strip() for line in lines], []):
        kind, colon, rest = text.partition(": ")  # Google's "type: text"
        texts.append(rest if colon and len(kind.split()) <= 4 else text)
    return texts


def references(lines: list[str]) -> list[Entry]:
    """The names of a See Also section, each with the description that follows its line."""
    found: list[Entry] = []
    for head, below in _items(lines):
        match = _REFERENCES.match(without_bullet(head))
        if not match:
            continue
        text = plain(" ".join([match[2] or "", *below]))
        for name in match[1].split(","):
            bare = re.sub(r":\w+:|[`~()]", "", name).strip().strip(".")
            if bare:
                found.append(Entry(bare, "", first_words(text, 40)))
    return found
