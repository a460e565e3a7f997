"""The one JVM of this process: started with Anserini on its class path, its query limit lifted."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from hyper_ir.lucene import java

# Lucene refuses a query of more clauses than this; its own limit of 1,024 guards against slips
# such as wildcard expansion, and a learned sparse query or a pasted document is none.
CLAUSE_LIMIT = 65_536
STOCK_CLAUSE_LIMIT = 1_024

_SEARCHER_CLASS = "org.apache.lucene.search.IndexSearcher"
_lock = threading.Lock()
_loggers: list[Any] = []  # java.util.logging forgets the level of a logger that nobody holds


def start() -> None:
    """Start the JVM, unless this process has one; lift Lucene's clause limit to 65,536.

    Safe to call from any thread, again and again. The environment variables of
    ``java.environment`` are set while it starts and put back after.

    Raises ValueError when no Java 21 or later is found, when Pyserini is not installed, and when
    somebody has started a JVM in this process that does not know Anserini.
    """
    with _lock:
        if not is_running():
            _boot()
        autoclass = _autoclass()
        try:
            searcher = autoclass(_SEARCHER_CLASS)
            autoclass("io.anserini.search.SimpleImpactSearcher")
        except Exception as error:  # pyjnius's JavaException cannot be imported before the JVM runs
            raise ValueError(_foreign_jvm()) from error
        if searcher.getMaxClauseCount() < CLAUSE_LIMIT:
            searcher.setMaxClauseCount(CLAUSE_LIMIT)


def is_running() -> bool:
    """Whether this process has a JVM. Raises ValueError when pyjnius is not installed."""
    return bool(_jnius_config().vm_running)


def clause_limit() -> int:
    """The most clauses (terms) that a query may have in this process, now."""
    start()
    return int(_autoclass()(_SEARCHER_CLASS).getMaxClauseCount())


def raise_clause_limit(limit: int) -> None:
    """Let queries have at least ``limit`` clauses; the limit is never lowered."""
    start()
    searcher = _autoclass()(_SEARCHER_CLASS)
    if searcher.getMaxClauseCount() < limit:
        searcher.setMaxClauseCount(limit)


def java_class(name: str) -> Any:
    """A class of Java's, Lucene's or Anserini's, for use from Python; starts the JVM if need be."""
    start()
    return _autoclass()(name)


def leave() -> None:
    """Take the calling thread, which ends now, out of the JVM, where it had called Java.

    One that ends without this stays known to the JVM, which may still look at its stack.
    """
    if "jnius" in sys.modules:  # which starts the JVM when it is imported
        sys.modules["jnius"].detach()


@contextmanager
def java_errors(what: str) -> Iterator[None]:
    """Turn an exception of the JVM into a ValueError with its first line, behind ``what``."""
    from jnius import JavaException

    try:
        yield
    except JavaException as error:
        reason = str(error).splitlines()[0].removeprefix("JVM exception occurred: ")
        raise ValueError(f"{what}: {reason}") from error


def _boot() -> None:
    chosen = java.find_java()
    options = ["-Xrs"]  # else the JVM takes Ctrl-C from Python and ends the process at once
    if chosen.feature >= 24:  # which warns about what Lucene and pyjnius do by design
        options += ["--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"]
    _jnius_config().add_options(*options)
    # Only dense search would use the vector module, and asking for it prints a warning.
    plain = replace(chosen, has_vector_module=False)
    with _environment(java.environment(plain) | java.file_name_locale()):
        try:
            autoclass = _autoclass()
            autoclass("java.lang.String")
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"Java {chosen.version} at {chosen.home}: {reason}") from error
    autoclass("java.lang.System").setProperty("slf4j.internal.verbosity", "WARN")
    lucene = autoclass("java.util.logging.Logger").getLogger("org.apache.lucene")
    lucene.setLevel(autoclass("java.util.logging.Level").SEVERE)
    _loggers.append(lucene)


def _autoclass() -> Any:
    """Pyserini's own entry to pyjnius, which puts the jar on the class path when first imported."""
    try:
        from pyserini.pyclass import autoclass
    except ImportError as error:
        raise ValueError("Pyserini is not installed; pip install pyserini") from error
    return autoclass


def _jnius_config() -> Any:
    try:
        import jnius_config
    except ImportError as error:
        raise ValueError("pyjnius is not installed; pip install pyserini") from error
    return jnius_config


def _foreign_jvm() -> str:
    started = str(_jnius_config().vm_started_at or "").strip().splitlines()
    place = next((line.strip() for line in reversed(started) if "jnius" not in line), "elsewhere")
    return (
        f"a JVM without Anserini runs in this process already (started at {place}); call "
        "hyper_ir.lucene.jvm.start() before other code uses pyjnius"
    )


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the block; another's values come back after it."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
