"""Under which public name a package offers what its private files define.

``sklearn/__init__.py``-like files say ``from ._kmeans import KMeans``, often through several
files and by ``import *``. Following these lines, without importing anything, tells that
``sklearn.cluster._kmeans.KMeans`` is written ``sklearn.cluster.KMeans``.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

STAR = "*"


@dataclass(frozen=True, slots=True)
class Import:
    """``from source import name``, seen in the module ``target``."""

    source: str
    name: str
    target: str


def reexports(tree: ast.Module, module: str, is_package: bool) -> Iterator[Import]:
    """The module-level imports of a file that offer names of another module as its own.

    In a package's ``__init__.py`` and in private modules, which may pass a name on, these are all
    ``from … import`` lines; in a public module only ``from … import *``, since a named import
    there serves the module itself.
    """
    passes_on = is_package or not is_public(module)
    for node in _statements(tree.body):
        if isinstance(node, ast.ImportFrom):
            source = _absolute(node, module, is_package)
            for alias in node.names:
                kept = passes_on or alias.name == STAR
                if source and kept and alias.asname in (None, alias.name):
                    yield Import(source, alias.name, module)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If):
            yield from _statements(node.body + node.orelse)
        elif isinstance(node, ast.Try):
            yield from _statements(node.body + node.orelse + node.finalbody)
            for handler in node.handlers:
                yield from _statements(handler.body)
        else:
            yield node


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    """The full name of the module that is imported from."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    up = node.level - (1 if is_package else 0)
    base = parts[: len(parts) - up] if up else parts
    return ".".join([*base, *([node.module] if node.module else [])])


class Exports:
    """All re-exports of a package."""

    def __init__(self) -> None:
        self._targets: dict[tuple[str, str], set[str]] = defaultdict(set)

    def add(self, found: Import) -> None:
        """Take note of one import."""
        self._targets[found.source, found.name].add(found.target)

    def public_home(self, module: str, name: str) -> str | None:
        """The public module that offers ``name`` of ``module``; None without any.

        ``name`` is a top-level name. Packages that hold the defining module come before others,
        then the shortest; the defining module counts where it is public itself.
        """
        reached = {module}
        waiting = [module]
        while waiting:
            source = waiting.pop()
            star = set() if name.startswith("_") else self._targets.get((source, STAR), set())
            for target in self._targets.get((source, name), set()) | star:
                if target not in reached:
                    reached.add(target)
                    waiting.append(target)
        public = [home for home in reached if is_public(home)]
        return min(
            public,
            key=lambda home: (not f"{module}.".startswith(f"{home}."), home.count("."), home),
            default=None,
        )


def is_public(module: str) -> bool:
    """Whether no part of a module's name starts with an underscore."""
    return not any(part.startswith("_") for part in module.split("."))
