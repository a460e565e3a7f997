"""What an id and a text must be before they may enter an index, a run or a vector file."""

from __future__ import annotations

import re
from reprlib import Repr

# TREC runs and qrels separate their columns by white space, whatever kind; a control character
# or an unpaired surrogate cannot be written to a text file and read back.
_NOT_IN_ID = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 120
_SHORT.maxlist = _SHORT.maxdict = 20


LONGEST_ID = 32_766
"""Bytes in UTF-8: Lucene takes no longer term."""


def checked_id(value: object, name: str) -> str:
    """Return the id as a string; an integer is an id too.

    ``name`` is its key in the record, for the message. Raises ValueError (without a place) for
    another type, an empty id, one of over ``LONGEST_ID`` bytes, and white space or control
    characters inside.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        kind = "missing" if value is None else f"of type {type(value).__name__}"
        raise ValueError(f"{name} is {kind}; a string or an integer is needed")
    if not value:
        raise ValueError(f"{name} is empty")
    if _NOT_IN_ID.search(value):
        raise ValueError(
            f"{name} {shortened(value)} holds white space or a control character, "
            "which run files cannot hold"
        )
    if 4 * len(value) > LONGEST_ID and len(value.encode("utf-8")) > LONGEST_ID:
        raise ValueError(f"{name} {shortened(value)} is longer than {LONGEST_ID:,} bytes")
    return value


def checked_text(value: object, name: str) -> str:
    """Return the text; JSON's null is the empty text.

    Raises ValueError (without a place) for another type, a NUL character, and an unpaired
    surrogate, which UTF-8 cannot hold.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} is of type {type(value).__name__}; a string is needed")
    if "\0" in value:
        raise ValueError(f"{name} holds a NUL character")
    if not value.isascii() and _SURROGATE.search(value):
        raise ValueError(f"{name} holds an unpaired surrogate, which UTF-8 cannot hold")
    return value


def shortened(value: object, width: int = 60) -> str:
    """The value as Python writes it, cut to ``width`` characters, in ASCII for any terminal.

    Of a large value its beginning alone is looked at, and of a deep one its upper levels.
    """
    if isinstance(value, str):
        text = ascii(value[: 2 * width])
    else:
        text = _SHORT.repr(value).encode("ascii", "backslashreplace").decode()
    return text if len(text) <= width else text[: width - 3] + "..."


def require_some_text(doc_id: str, texts: dict[str, str]) -> None:
    """Raise ValueError for a document whose fields are all empty or blank."""
    if not any(text.strip() for text in texts.values()):
        raise ValueError(f"document {doc_id:.100} has no text")
