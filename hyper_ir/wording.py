"""Counts in words: one document, two documents."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "") -> str:
    """``1 document``, ``2,000 documents``; ``plural`` where an s alone does not make it.

    A verb may follow the noun in both: ``counted(1, "topic has", "topics have")``.
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
