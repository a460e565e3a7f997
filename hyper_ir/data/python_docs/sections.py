"""A docstring taken apart: prose, parameters, returns, raises, notes, see also, examples.

numpy's style (``Parameters`` over a line of dashes), Google's (``Args:`` over an indented
block), reStructuredText's fields (``:param x:``) and directives (``.. note::``) are understood;
what is none of these is prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from hyper_ir.data.python_docs.items import (
    UNDERLINE,
    Entry,
    end_of_indented,
    entries,
    paragraphs,
    references,
    returned,
    without_margin,
)


@dataclass(slots=True)
class Sections:
    """A docstring's parts in plain text, paragraphs and items in their order."""

    prose: list[str] = field(default_factory=list)
    parameters: list[Entry] = field(default_factory=list)
    returns: list[str] = field(default_factory=list)
    raises: list[Entry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    see_also: list[Entry] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


SECTION_NAMES = {
    "parameters": "parameters",
    "other parameters": "parameters",
    "keyword parameters": "parameters",
    "args": "parameters",
    "arg": "parameters",
    "arguments": "parameters",
    "keyword args": "parameters",
    "keyword arguments": "parameters",
    "kwargs": "parameters",
    "params": "parameters",
    "attributes": "attributes",
    "returns": "returns",
    "return": "returns",
    "yields": "returns",
    "raises": "raises",
    "raise": "raises",
    "exceptions": "raises",
    "warns": "raises",
    "notes": "notes",
    "note": "notes",
    "warning": "notes",
    "warnings": "notes",
    "caution": "notes",
    "remarks": "notes",
    "see also": "see_also",
    "seealso": "see_also",
    "examples": "examples",
    "example": "examples",
    "usage": "dropped",
    "references": "dropped",
    "reference": "dropped",
    "methods": "dropped",
    "shape": "dropped",
    "inputs": "dropped",
    "outputs": "dropped",
    "todo": "dropped",
    "citations": "dropped",
    "sources": "dropped",
}

DIRECTIVES = {
    "note": "notes",
    "warning": "notes",
    "important": "notes",
    "caution": "notes",
    "tip": "notes",
    "hint": "notes",
    "attention": "notes",
    "seealso": "see_also",
}
"""Directives whose text is kept, and where; all others (versions, formulas, figures) go."""

_GOOGLE = re.compile(r"^([A-Z][A-Za-z ]{2,20}?)\s*::?\s*$")
_DIRECTIVE = re.compile(r"^(\s*)\.\. +([\w-]+)::\s*(.*)$")
_COMMENT = re.compile(r"^(\s*)\.\.(?: |$)")
_FIELD = re.compile(r"^:(\w+)\s*([^:]*):\s*(.*)$")


LONGEST_LINE = 2_000
MOST_LINES = 5_000
"""What is longer is data in a docstring's clothes: it is cut before patterns meet it."""


def parse(text: str) -> Sections:
    """Take a docstring (without its indentation) apart."""
    sections = Sections()
    whole = [line[:LONGEST_LINE] for line in text.expandtabs().splitlines()[:MOST_LINES]]
    for name, lines in _blocks(whole):
        lines = without_margin(lines)
        if name == "prose":
            sections.prose += paragraphs(lines, sections.examples)
        elif name == "notes":
            sections.notes += paragraphs(lines, sections.examples)
        elif name == "parameters":
            sections.parameters += entries(lines)
        elif name == "raises":
            sections.raises += entries(lines)
        elif name == "returns":
            sections.returns += returned(lines)
        elif name == "see_also":
            sections.see_also += references(lines)
        elif name == "examples":
            paragraphs(lines, sections.examples)
    return sections


def _blocks(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Cut a docstring at headers, directives and fields into ``(section, lines)``."""
    name, block, indented = "prose", list[str](), False
    at = 0
    while at < len(lines):
        line = lines[at]
        header = _header(lines, at)
        directive = _DIRECTIVE.match(line)
        field_ = _FIELD.match(line)
        if header:
            yield name, block
            name, block, indented, at = header[0], [], header[1], at + (1 if header[1] else 2)
            continue
        if directive or _COMMENT.match(line):
            end = end_of_indented(lines, at)
            if directive:
                kind = DIRECTIVES.get(directive[2].lower(), "dropped")
                yield kind, [directive[3], *without_margin(lines[at + 1 : end])]
            at = end
            continue
        if field_ and name in ("prose", "dropped"):
            end = end_of_indented(lines, at)
            rest = " ".join([field_[3], *(each.strip() for each in lines[at + 1 : end])])
            yield _field(field_[1], field_[2], rest)
            at = end
            continue
        if indented and line.strip() and not line.startswith(" "):
            yield name, block
            name, block, indented = "prose", [], False
        block.append(line)
        at += 1
    yield name, block


def _header(lines: list[str], at: int) -> tuple[str, bool] | None:
    """``(section, whether it ends with its indentation)`` where a header stands at ``at``."""
    line = lines[at].strip()
    if not line or len(line) > 30:
        return None
    after = lines[at + 1] if at + 1 < len(lines) else ""
    if UNDERLINE.match(after) and len(lines[at]) - len(lines[at].lstrip()) <= 3:
        return SECTION_NAMES.get(line.rstrip(":").lower(), "dropped"), False
    google = _GOOGLE.match(lines[at])
    if google and google[1].lower() in SECTION_NAMES:
        following = next((each for each in lines[at + 1 :] if each.strip()), "")
        if following.startswith((" ", ">>>")):
            return SECTION_NAMES[google[1].lower()], True
    return None


def _field(field_name: str, argument: str, text: str) -> tuple[str, list[str]]:
    if field_name in ("param", "parameter", "arg", "argument", "keyword", "kwarg") and argument:
        return "parameters", [argument.split()[-1], "    " + text]
    if field_name in ("return", "returns", "yields"):
        return "returns", [text]
    if field_name in ("raises", "raise", "except", "exception") and argument:
        return "raises", [argument.split()[-1], "    " + text]
    return "dropped", []
