"""The kinds of topics, and what each takes from the pages it should find.

==========  ==============================================  ================================
kind        topic                                           removed from its page
==========  ==============================================  ================================
summary     the docstring's first sentence                  that sentence
relation    ``container [SEP] name in words``               the name, from the title
parameter   a parameter's description                       that parameter
returns     the description of what is returned             that description
notes       a paragraph of Notes or Warnings, or a Raises   that paragraph
linking     a See Also list, one name of it marked          nothing: no page holds these lists
doctest     an example, the function's name masked          nothing: no page holds examples
==========  ==============================================  ================================

A page serves at most one of the first five, so that it is not emptied; each of them must leave
:data:`LEAST_LEFT` words.

Two kinds would be trivial, or impossible, without care. A relation topic names what most titles
name, so its page bears its container alone as a title ("function of numpy linalg") and must be
found by what its text says; the other pages of the container, titled with their names, are the
wrong answers that look right. In a linking topic the marked name stands without its description,
which often repeats the summary of the page it should find, while its neighbours keep theirs: as
in entity linking, most of the query's words lead to other pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from hyper_ir.data.python_docs.items import Entry
from hyper_ir.data.python_docs.pages import Page
from hyper_ir.data.python_docs.plain import (
    container_in_words,
    first_words,
    key,
    name_in_words,
    share_of_words,
)
from hyper_ir.data.python_docs.references import References

Task = Literal["summary", "relation", "parameter", "returns", "notes", "linking", "doctest"]
TASKS: tuple[Task, ...] = get_args(Task)

TAKING: tuple[Task, ...] = ("summary", "relation", "parameter", "returns", "notes")
"""The kinds that take something from their page."""

LEAST_LEFT = 12
"""Words of text that a page keeps whatever is taken from it."""

MASK = "___"
LINKING_WORDS = 100
LEAST_LETTERS = 3
"""Of a name that is asked for: ``T`` and ``t`` tell nothing."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A topic that may be asked.

    Attributes
    ----------
    task: its kind.
    text: the query.
    page: the page it should find.
    takes: numbers of the page's parts that are the query's source.
    """

    task: Task
    text: str
    page: Page
    takes: tuple[int, ...] = ()


LENGTHS: dict[str, tuple[int, int]] = {
    "summary": (6, 40),
    "parameter": (8, 60),
    "returns": (8, 60),
    "notes": (12, 100),
    "raises": (8, 100),
}
"""Fewest and most words of a topic taken from a part."""

_STALE = re.compile(
    r"^(deprecated|this (function|method|class|api|feature|module) is (deprecated|experimental"
    r"|in beta)|see\b|refer to|not implemented|todo\b|fixme\b|internal\b|ignored\b|not used\b"
    r"|defaults? (to|is)\b|for (more|further|additional) (details|information)"
    r"|(added|changed|new) in)",
    re.IGNORECASE,
)
"""How texts begin that say nothing about what they document."""


def taken_from_parts(page: Page) -> Iterator[Candidate]:
    """Topics of the kinds summary, parameter, returns and notes."""
    for number, part in enumerate(page.parts):
        if part.kind not in LENGTHS:
            continue
        fewest, most = LENGTHS[part.kind]
        words = len(part.text.split())
        if words < fewest or _STALE.match(part.text) or share_of_words(part.text) < 0.6:
            continue
        if part.kind == "summary" and words > most:
            continue
        if part.kind == "notes" and part.text[0].islower():
            continue  # the rest of a sentence that a formula or code interrupts
        text = first_words(part.text, most)
        task: Task = "notes" if part.kind == "raises" else part.kind  # type: ignore[assignment]
        if page.words_without([number]) >= LEAST_LEFT:
            yield Candidate(task, text, page, (number,))


def relation(page: Page) -> Iterator[Candidate]:
    """``container [SEP] name in words``; a page about a bare top-level module has none."""
    words = name_in_words(page.own_name)
    long_enough = len(words.split()) > 1 or len(words) >= 5
    if page.container and long_enough and page.words_without([]) >= LEAST_LEFT:
        yield Candidate("relation", f"{container_in_words(page.container)} [SEP] {words}", page)


def linking(page: Page, references: References) -> Iterator[Candidate]:
    """One topic for each name in the page's See Also list that is another page's."""
    entries = page.sections.see_also
    for number, entry in enumerate(entries):
        target = references.resolve(entry.name, page)
        if target is not None and len(target.own_name) >= LEAST_LETTERS:
            before = _listed(entries[:number], target)
            after = _listed(entries[number + 1 :], target)
            mention = f"[START_ENT] {_in_words(entry.name)} [END_ENT]"
            lead = f"{page.title}. See also:"
            text = _around(f"{lead} {before}".split(), mention.split(), after.split())
            yield Candidate("linking", text, target)


def _in_words(reference: str) -> str:
    outer, _, name = reference.rpartition(".")
    return f"{container_in_words(outer)} {name_in_words(name)}".strip()


def _listed(entries: list[Entry], target: Page) -> str:
    own = target.own_name
    return " ".join(
        f"{_in_words(entry.name)}{': ' + entry.text if entry.text else ','}"
        for entry in entries
        if entry.name.rpartition(".")[2] != own
    )


def _around(before: list[str], marked: list[str], after: list[str]) -> str:
    """At most LINKING_WORDS words around the marked ones, as evenly as may be."""
    room = LINKING_WORDS - len(marked)
    take_before = min(len(before), max(room // 2, room - len(after)))
    take_after = min(len(after), room - take_before)
    kept = before[len(before) - take_before :]
    return " ".join([*kept, *marked, *after[:take_after]])


_PROMPT = re.compile(r"^\s*(?:>>>|\.\.\.) ?", re.MULTILINE)
_FLAG = re.compile(r"\s*#\s*x?doctest\s*:.*$", re.MULTILINE)
_IMPORT = re.compile(r"\s*(?:import|from)\s")
DOCTEST_WORDS = 60
LEAST_TELLING = 5
"""Different words of three letters or more in an example, imports left aside."""


def doctest(page: Page) -> Iterator[Candidate]:
    """The first example that uses the name, masked wherever it stands, with what it prints."""
    if page.docstring.kind == "module" or page.words_without([]) < LEAST_LEFT:
        return
    name = re.compile(rf"(?<!\w){re.escape(page.own_name)}(?!\w)")
    code = _FLAG.sub("", "\n".join(page.sections.examples))
    lines = [name.sub(MASK, line) for line in code.splitlines() if _PROMPT.sub("", line).strip()]
    use = next((n for n, ln in enumerate(lines) if MASK in ln and not _is_import(ln)), None)
    if use is None:
        return
    shown = _window(lines, use)
    body = " ".join(line for line in shown if not _is_import(line))
    telling = {word for word in key(body).split() if len(word) >= 3 and not word.isdigit()}
    if len(telling) >= LEAST_TELLING:
        yield Candidate("doctest", "\n".join(_PROMPT.sub("", line) for line in shown), page)


def _is_import(line: str) -> bool:
    return bool(_IMPORT.match(_PROMPT.sub("", line)))


def _window(lines: list[str], use: int) -> list[str]:
    """Whole lines around the used one: what leads to it first, then what follows.

    The first is a statement's first line, not one of what is printed.
    """
    room = DOCTEST_WORDS - len(lines[use].split())
    start = use
    while start > 0 and len(lines[start - 1].split()) <= room:
        start -= 1
        room -= len(lines[start].split())
    while start < use and not lines[start].lstrip().startswith(">>>"):
        start += 1
    end = use + 1
    while end < len(lines) and len(lines[end].split()) <= room:
        room -= len(lines[end].split())
        end += 1
    return lines[start:end]
