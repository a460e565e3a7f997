"""The Java of this machine, for tests that need one: skipped, visibly, only where none is found."""

from __future__ import annotations

import functools

import pytest

from hyper_ir.lucene.java import Java, find_java


@functools.cache
def _found() -> Java | str:
    try:
        return find_java()
    except ValueError as error:
        return str(error)


def java_or_skip() -> Java:
    """The Java that hyper_ir finds; the test is skipped with the reason where there is none."""
    found = _found()
    if isinstance(found, str):
        pytest.skip(found)
    return found
