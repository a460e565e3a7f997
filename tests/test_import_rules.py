"""Data flows one way through the packages (README, "The map"): imports keep to it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hyper_ir

PACKAGE = Path(hyper_ir.__file__).parent

ROOT_FILES = {
    "bounded",
    "command",
    "files",
    "full_disk",
    "locking",
    "manifest",
    "outputs",
    "problems",
    "version",
    "wording",
}

MAY_IMPORT = {
    "models": set(),
    "data": set(),
    "encode": {"models", "data", "lucene"},
    "lucene": {"data"},
    "doctor": {"lucene"},
    "search": {"data", "lucene", "encode", "models", "evaluation", "export"},
    "export": {"data", "lucene"},
    "evaluation": {"data"},
    "advising": {"data", "lucene", "search", "evaluation", "figures"},
    "mining": {"data", "lucene", "search"},
    "training": {"models", "data", "encode"},
    "compaction": {"models", "encode", "evaluation"},
    "figures": set(),
    "analysis": {"data", "models", "encode", "search", "evaluation", "figures"},
    "quickstart": {"data", "models", "encode", "lucene", "search", "evaluation"},
    "reproduction": {
        "data",
        "models",
        "encode",
        "lucene",
        "search",
        "mining",
        "training",
        "evaluation",
        "train",
    },
}
"""reproduction reads training recipes as the verb train does.

encode may import lucene for one thing: Pyserini's base classes, which start the JVM."""

FORBIDDEN_LIBRARIES = {
    "models": {"pyserini", "jnius", "ir_measures", "ir_datasets"},
    "data": {"torch", "transformers", "pyserini", "jnius"},
    "encode": {"pyserini", "jnius"},
    "search": {"pyserini", "jnius"},
    "evaluation": {"torch", "transformers", "pyserini", "jnius"},
    "export": {"torch", "transformers", "pyserini", "jnius"},
    "advising": {"torch", "transformers", "pyserini", "jnius"},
    "mining": {"torch", "transformers", "pyserini", "jnius"},
    "training": {"pyserini", "jnius", "ir_datasets"},
    "compaction": {"pyserini", "jnius", "ir_datasets"},
    "figures": {"torch", "transformers", "pyserini", "jnius"},
    "analysis": {"pyserini", "jnius"},
    "reproduction": {"pyserini", "jnius", "ir_datasets"},
}


def imported(path: Path, top_level_only: bool = False) -> Iterator[str]:
    """Dotted names that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files_of(package: str) -> list[Path]:
    return sorted((PACKAGE / package).rglob("*.py"))


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_packages_import_in_one_direction(package: str) -> None:
    allowed = MAY_IMPORT[package] | ROOT_FILES | {package}
    for path in files_of(package):
        for name in imported(path):
            parts = name.split(".")
            if parts[0] == "hyper_ir" and len(parts) > 1 and not parts[1].startswith("_"):
                assert parts[1] in allowed, f"{path.name} imports {name}"


@pytest.mark.parametrize("package", sorted(FORBIDDEN_LIBRARIES))
def test_libraries_stay_where_they_belong(package: str) -> None:
    for path in files_of(package):
        for name in imported(path):
            assert name.split(".")[0] not in FORBIDDEN_LIBRARIES[package], f"{path.name}: {name}"


def test_only_lucene_touches_the_jvm_and_never_at_import() -> None:
    for path in PACKAGE.rglob("*.py"):
        lucene = path.is_relative_to(PACKAGE / "lucene")
        names = imported(path, top_level_only=lucene)
        assert not any(name.split(".")[0] in ("pyserini", "jnius") for name in names), path


def test_every_package_is_in_the_rules() -> None:
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages == set(MAY_IMPORT)


def test_importing_the_package_is_cheap() -> None:
    code = (
        "import time, sys; start = time.process_time(); import hyper_ir, hyper_ir.encode, "
        "hyper_ir.lucene; spent = time.process_time() - start; "
        "known = {'torch', 'transformers', 'jnius', 'pyserini', 'pandas', 'ray'}; "
        "heavy = known & set(sys.modules); "
        "print(spent, *heavy)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    spent, *heavy = output.decode().split()
    assert not heavy
    assert float(spent) < 0.5


def test_ray_is_imported_by_one_function_alone() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert not any(name.split(".")[0] == "ray" for name in imported(path)), path
        if path.name != "ray_cluster.py":
            assert 'import_module("ray")' not in path.read_text(encoding="utf-8"), path
