"""Plain text out of reStructuredText's light markup, and words out of identifiers."""

from __future__ import annotations

import re

_MARKUP: tuple[tuple[re.Pattern[str], str], ...] = (
    # :func:`~a.b.c` shows c, :func:`text <a.b.c>` shows text, :math:`x` shows x
    (re.compile(r":[\w:+-]+:`~[\w.]*?([\w]+)(?:\(\))?`"), r"\1"),
    (re.compile(r":[\w:+-]+:`([^`<]+?)\s*<[^`>]*>`"), r"\1"),
    (re.compile(r":[\w:+-]+:`([^`]*)`"), r"\1"),
    # `text <https://…>`_
    (re.compile(r"`([^`<]+?)\s*<[^`>]*>`_{1,2}"), r"\1"),
    (re.compile(r"``(.+?)``"), r"\1"),
    (re.compile(r"`([^`]+)`_{0,2}"), r"\1"),
    (re.compile(r"\*\*(\S(?:.*?\S)?)\*\*"), r"\1"),
    (re.compile(r"(?<![\w*])\*(\w(?:[^*]*?\w)?)\*(?![\w*])"), r"\1"),
    # citations [1]_ and placeholders of templates: %(axis)s, {klass}
    (re.compile(r"\s*\[[\w#.]+\]_"), ""),
    (re.compile(r"%\(\w+\)[sd]"), ""),
    (re.compile(r"\\\\?([_*`|])"), r"\1"),
    (re.compile(r"::(?=\s|$)"), ":"),
    (re.compile(r"\s+"), " "),
)

_BULLET = re.compile(r"^\s*(?:[-*+•]|\d+[.)]|\([a-z0-9]\)|#\.)\s+")

_WORD_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z]{2})(?=[A-Z][a-z])")

_PLAIN_WORD = re.compile(r"^[(\"']*[A-Za-z][a-z]*(?:['’-][A-Za-z]+)*[)\"'.,;:!?]*$")


_MARKS = re.compile(r"[`*\[%\\]|::")


def plain(text: str) -> str:
    """``text`` on one line without roles, quotes, emphasis, links and citations."""
    if not _MARKS.search(text):
        return " ".join(text.split())
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    return text.strip()


def without_bullet(line: str) -> str:
    """``line`` without the mark of a list item at its start."""
    return _BULLET.sub("", line)


def is_bullet(line: str) -> bool:
    """Whether the line starts a list item."""
    return bool(_BULLET.match(line))


def name_in_words(identifier: str) -> str:
    """``to_csv`` → ``to csv``, ``TableReader`` → ``table reader``, ``KMeans`` → ``kmeans``."""
    words: list[str] = []
    for part in identifier.strip("_").split("_"):
        pieces = [piece for piece in _WORD_BORDER.split(part) if piece]
        # A single letter stays with what follows: KMeans, not K means.
        while len(pieces) > 1 and len(pieces[0]) == 1:
            pieces[:2] = [pieces[0] + pieces[1]]
        words += pieces
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words)


def container_in_words(dotted: str) -> str:
    """``sklearn.linear_model`` → ``sklearn linear model``: parts keep their capitals."""
    parts = [part.strip("_").replace("_", " ") for part in dotted.split(".")]
    return " ".join(part for part in parts if part)


def share_of_words(text: str) -> float:
    """Which share of the text's pieces are plain words (the rest is code, numbers, formulas)."""
    pieces = text.split()
    if not pieces:
        return 0.0
    return sum(bool(_PLAIN_WORD.match(piece)) for piece in pieces) / len(pieces)


_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'(])")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|cf|vs|Fig|Eq|Ref|al|approx|resp|[A-Z]))\.$")


def sentences(text: str) -> list[str]:
    """The sentences of plain text; ``e.g.`` and initials end none."""
    found: list[str] = []
    for piece in _SENTENCE_END.split(text):
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] = f"{found[-1]} {piece}"
        elif piece:
            found.append(piece)
    return found


def first_words(text: str, words: int) -> str:
    """``text`` cut after ``words`` words, at a sentence's end where one lies in its second half."""
    if len(text.split()) <= words:
        return text
    whole = ""
    for sentence in sentences(text):
        longer = f"{whole} {sentence}".strip()
        if len(longer.split()) > words:
            break
        whole = longer
    if 2 * len(whole.split()) >= words:
        return whole
    return " ".join(text.split()[:words])


def key(text: str) -> str:
    """What two texts have in common when they differ in case, signs and spaces alone."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))
