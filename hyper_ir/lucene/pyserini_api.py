"""Pyserini's classes, imported in the one place that knows how its versions differ.

Pyserini 1.6 (Python 3.11) and 2.x (Python 3.12 and later) offer the same searchers. They differ
in what their import demands: an OpenAI client wants a key even where nobody calls it (1.6), and
the catalogue of prebuilt indexes is downloaded (2.4), without which a machine without network
could not import it at all.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hyper_ir.lucene import jvm

_CATALOGUE = "pyserini.prebuilt_index_info"
_KEY = "OPENAI_API_KEY"


@dataclass(frozen=True, slots=True)
class Pyserini:
    """The classes of Pyserini that this project uses; the JVM runs when one exists.

    Attributes
    ----------
    LuceneSearcher, LuceneImpactSearcher: ``pyserini.search.lucene``'s.
    LuceneIndexReader: ``pyserini.index.lucene``'s.
    autoclass: pyjnius's, for Java classes that Pyserini does not wrap.
    """

    LuceneSearcher: Any
    LuceneImpactSearcher: Any
    LuceneIndexReader: Any
    autoclass: Any


def version() -> str:
    """Pyserini's version; ValueError when it is not installed."""
    try:
        return importlib.metadata.version("pyserini")
    except importlib.metadata.PackageNotFoundError as error:
        raise ValueError("Pyserini is not installed; pip install pyserini") from error


def load() -> Pyserini:
    """Start the JVM if need be and import Pyserini's searchers (torch comes with them: seconds).

    Raises ValueError when the JVM cannot start or Pyserini cannot be imported.
    """
    search = import_module("pyserini.search.lucene")
    return Pyserini(
        search.LuceneSearcher,
        search.LuceneImpactSearcher,
        import_module("pyserini.index.lucene").LuceneIndexReader,
        import_module("pyserini.pyclass").autoclass,
    )


def encoder_bases() -> tuple[Any, Any]:
    """Pyserini's ``(DocumentEncoder, QueryEncoder)``, whose import starts the JVM too.

    Raises ValueError as ``load`` does.
    """
    encode = import_module("pyserini.encode")
    return encode.DocumentEncoder, encode.QueryEncoder


def import_module(name: str) -> Any:
    """Import a module of Pyserini, after the JVM has been started with the right Java.

    Raises ValueError when the JVM cannot start or the module cannot be imported.
    """
    jvm.start()
    try:
        with _openai_key():
            _require_catalogue()
            return importlib.import_module(name)
    except Exception as error:  # whatever its many dependencies raise when imported
        reason = "".join(str(error).strip().splitlines()[:1])
        raise ValueError(
            f"{name} (Pyserini {version()}) cannot be imported: {type(error).__name__}: {reason}; "
            "python -m hyper_ir.doctor tells more"
        ) from error


@contextmanager
def _openai_key() -> Iterator[None]:
    """Give the OpenAI client, which nobody calls here, a key for the length of the import."""
    if os.environ.get(_KEY):
        yield
        return
    before = os.environ.get(_KEY)
    os.environ[_KEY] = "none"
    try:
        yield
    finally:
        del os.environ[_KEY]
        if before is not None:
            os.environ[_KEY] = before


def _require_catalogue() -> None:
    """Import the catalogue of prebuilt indexes; put an empty one in its place without network."""
    try:
        importlib.import_module(_CATALOGUE)
    except OSError:
        sys.modules[_CATALOGUE] = _EmptyCatalogue(_CATALOGUE)


class _EmptyCatalogue(types.ModuleType):
    """A module whose every constant is an empty dictionary."""

    def __getattr__(self, name: str) -> dict[str, Any]:
        if not name.isupper():
            raise AttributeError(name)
        return {}
