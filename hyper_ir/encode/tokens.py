"""Vocabulary tokens as Lucene can hold them.

An impact index and its queries are text split at white space, by Lucene on one side and by
Python's ``str.split`` on the other. Most tokens (``##ing``, ``Ġthe``, ``"``) pass unharmed; those
with white space or control characters inside, the empty token, and those longer than Lucene's
255 characters are written in another form, one to one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from hyper_ir.data.vectors import EMPTY_DOCUMENT, EMPTY_QUERY, LONGEST_TOKEN, code_units


def lucene_tokens(vocabulary: Sequence[str]) -> list[str]:
    """One distinct, white-space-free string for each token of the vocabulary, in order.

    A token that Lucene would split or alter becomes ``[token-ID]``, as does one that looks like
    such a name or like the placeholder of an empty vector.
    """
    return [
        token if is_safe(token) else f"[token-{number}]" for number, token in enumerate(vocabulary)
    ]


def is_safe(token: str) -> bool:
    """Whether white-space tokenisation leaves the token whole and nothing else is spelt so."""
    if not token or code_units(token) > LONGEST_TOKEN:
        return False
    if token in (EMPTY_DOCUMENT, EMPTY_QUERY) or token.startswith("[token-"):
        return False
    return not any(c.isspace() or unicodedata.category(c) in ("Cc", "Cs", "Zs") for c in token)
