"""Where the Python source of installed packages lies, found without importing any of them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STDLIB = "stdlib"

LEFT_OUT_FOLDERS = frozenset(
    {
        "__pycache__",
        "site-packages",
        "dist-packages",
        # tests and their helpers
        "test",
        "tests",
        "idle_test",
        "benchmarks",
        # copies of other projects
        "_vendor",
        "vendor",
        "vendored",
        "externals",
        "extern",
        "third_party",
        "array_api_compat",
        "array_api_extra",
        "cobyqa",
        "pyprima",
        # parts of the standard library that are programs or on their way out
        "idlelib",
        "lib2to3",
        "turtledemo",
        "ensurepip",
        "pydoc_data",
    }
)

LEFT_OUT_PATHS = frozenset({"torch/testing/_internal", "numpy/f2py/tests"})


@dataclass(frozen=True, slots=True)
class SourceTree:
    """The Python source of one package.

    Attributes
    ----------
    package: its import name, or ``"stdlib"``.
    root: the folder that holds its modules.
    prefix: what stands before a module's path below ``root`` in its dotted name: the import name,
        or nothing for the standard library.
    version: the installed version.
    """

    package: str
    root: Path
    prefix: str
    version: str

    def files(self) -> Iterator[tuple[str, Path]]:
        """Yield ``(dotted module name, file)`` in a fixed order; tests and copies are left out."""
        for folder, subfolders, names in os.walk(self.root):
            here = Path(folder).relative_to(self.root)
            subfolders[:] = sorted(
                name for name in subfolders if not self._left_out(here / name, name)
            )
            for name in sorted(names):
                if not name.endswith(".py") or _is_test(name):
                    continue
                parts = [*here.parts, name.removesuffix(".py")]
                if parts[-1] == "__init__":
                    parts.pop()
                module = ".".join([self.prefix, *parts] if self.prefix else parts)
                if module:
                    yield module, Path(folder) / name

    def _left_out(self, below: Path, name: str) -> bool:
        path = (Path(self.prefix) / below).as_posix() if self.prefix else below.as_posix()
        return name in LEFT_OUT_FOLDERS or path in LEFT_OUT_PATHS or "-" in name


def _is_test(file_name: str) -> bool:
    return file_name.startswith("test_") or file_name in ("conftest.py", "_test.py")


def find_package(name: str) -> SourceTree | None:
    """The source of an installed package, or None where it is not installed.

    ``name`` is an import name, the name it is installed by (scikit-learn), or ``"stdlib"``.
    Raises ValueError for a dotted name, and for a package without a folder of Python source.
    """
    if name == STDLIB:
        version = ".".join(str(part) for part in sys.version_info[:3])
        return SourceTree(STDLIB, Path(sysconfig.get_path("stdlib")), "", version)
    if "." in name:
        raise ValueError(f"packages: {name!r}: name whole packages, not parts of one")
    # A top-level name's spec is looked up on the path; nothing is executed.
    import_name = name if name.isidentifier() else name.replace("-", "_")
    spec = importlib.util.find_spec(import_name)
    if spec is None:
        import_name = _import_name(name)
        spec = importlib.util.find_spec(import_name) if import_name else None
    if spec is None:
        return None
    places = [
        Path(place) for place in spec.submodule_search_locations or [] if Path(place).is_dir()
    ]
    if not places:
        raise ValueError(f"packages: {name!r} is a single module without a folder of source")
    return SourceTree(import_name, places[0], import_name, _version(import_name, name))


def _import_name(distribution: str) -> str:
    """The import name that an installed distribution provides; empty where there is none."""
    wanted = distribution.lower().replace("_", "-")
    for import_name, names in sorted(importlib.metadata.packages_distributions().items()):
        if wanted in (each.lower().replace("_", "-") for each in names):
            return import_name
    return ""


def _version(import_name: str, name: str) -> str:
    for candidate in (name, import_name):
        try:
            return importlib.metadata.version(candidate)
        except importlib.metadata.PackageNotFoundError:
            continue
    names = importlib.metadata.packages_distributions().get(import_name, [])
    return importlib.metadata.version(names[0]) if names else "unknown"
