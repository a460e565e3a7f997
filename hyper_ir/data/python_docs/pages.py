"""Pages of the collection: one documented name, its title, and the text it is found by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from hyper_ir.data.python_docs.docstrings import Docstring
from hyper_ir.data.python_docs.plain import (
    container_in_words,
    first_words,
    key,
    name_in_words,
    sentences,
    share_of_words,
)
from hyper_ir.data.python_docs.sections import Sections, parse

Split = Literal["train", "dev", "test"]

SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a page's text: a sentence, a paragraph or one item of a section.

    ``kind`` is summary (the first sentence), prose, returns, notes, raises or parameter; a page
    holds its parts in this order.
    """

    kind: str
    text: str
    label: str = ""

    @property
    def shown(self) -> str:
        """As it stands in the page: an item follows its name."""
        return f"{self.label}: {self.text}" if self.label else self.text


@dataclass(slots=True)
class Page:
    """What one docstring becomes.

    Attributes
    ----------
    id: the qualified name that users write; no white space, no ``#``.
    docstring, sections: where it comes from.
    parts: its text in pieces, see :class:`Part`.
    group: the module or sub-package that puts it into a split.
    removed: numbers of the parts that topics took.
    name_hidden: whether the title keeps the name to itself (a relation topic took it).
    """

    id: str
    docstring: Docstring
    sections: Sections
    parts: list[Part]
    group: str
    removed: set[int] = field(default_factory=set)
    name_hidden: bool = False

    @property
    def container(self) -> str:
        """Dotted name of the class or module it belongs to; empty for a top-level module."""
        return self.id.rpartition(".")[0]

    @property
    def own_name(self) -> str:
        """The last part of its name."""
        return self.id.rpartition(".")[2]

    @property
    def title(self) -> str:
        """For example ``to csv, method of pandas DataFrame``; hidden: ``method of …``."""
        kind, container = self.docstring.kind, container_in_words(self.container)
        place = f"{kind} of {container}" if container else kind
        return place if self.name_hidden else f"{name_in_words(self.own_name)}, {place}"

    @property
    def split(self) -> Split:
        """The part of the collection's topics that this page's topics belong to."""
        return split_of(self.group)

    def paragraphs(self, max_words: int) -> list[str]:
        """The parts that no topic took, cut after ``max_words`` words in all."""
        found: list[str] = []
        left = max_words
        for number, part in enumerate(self.parts):
            if number in self.removed or left <= 0:
                continue
            text = first_words(part.shown, left)
            found.append(text)
            left -= len(text.split())
        return found

    def words_without(self, taken: Iterable[int]) -> int:
        """How many words are left when the given parts are taken too."""
        gone = self.removed.union(taken)
        return sum(len(p.shown.split()) for n, p in enumerate(self.parts) if n not in gone)


def split_of(group: str) -> Split:
    """Seven groups of ten train, one dev, two test: by hash, so that it never changes."""
    digit = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8]) % 10
    return "train" if digit < 7 else "dev" if digit < 8 else "test"


def group_of(module: str, standard_library: bool) -> str:
    """The top-level module of the standard library; two parts of a package (three under core)."""
    parts = module.split(".")
    if standard_library:
        return parts[0]
    depth = 3 if len(parts) > 2 and parts[1].strip("_") == "core" else 2
    return ".".join(parts[:depth])


def page_of_docstring(name: str, docstring: Docstring, standard_library: bool) -> Page:
    """Parse the docstring of the qualified ``name`` into a page."""
    sections = parse(docstring.text)
    return Page(
        name, docstring, sections, _parts(sections), group_of(docstring.module, standard_library)
    )


def _parts(sections: Sections) -> list[Part]:
    parts: list[Part] = []
    prose = [text for text in sections.prose if not _is_signature(text)]
    if prose:
        first, *rest = sentences(prose[0])
        parts.append(Part("summary", first))
        if rest:
            parts.append(Part("prose", " ".join(rest)))
        parts += [Part("prose", text) for text in prose[1:]]
    parts += [Part("returns", text) for text in sections.returns]
    parts += [Part("notes", text) for text in sections.notes]
    parts += [Part("raises", entry.text, entry.name) for entry in sections.raises]
    parts += [Part("parameter", entry.text, entry.name) for entry in sections.parameters]
    return [part for part in parts if key(part.text)]


def _is_signature(text: str) -> bool:
    """Whether a paragraph is a call's signature rather than a sentence."""
    head = text.split("(", 1)[0]
    return "(" in text and " " not in head.strip() and share_of_words(text) < 0.75
