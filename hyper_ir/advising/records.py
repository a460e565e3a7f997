"""What was done before, remembered with all that it depends on."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from hyper_ir.data.vectors import vector_files
from hyper_ir.files import write_json
from hyper_ir.manifest import manifest_path
from hyper_ir.version import __version__


class Records:
    """Results by name, each a JSON file; one is found again only under the same fingerprint."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, name: str, fingerprint: str) -> Any:
        """The result, or None where there is none, or it depends on something else."""
        try:
            record = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(record, dict) or record.get("fingerprint") != fingerprint:
            return None
        return record.get("value")

    def put(self, name: str, fingerprint: str, value: Any) -> None:
        """Remember a result."""
        write_json(self.folder / f"{name}.json", {"fingerprint": fingerprint, "value": value})


def fingerprint(*parts: Any) -> str:
    """One hash of all that a result depends on, the version of hyper_ir too."""
    text = json.dumps([__version__, *parts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def traits_of_vectors(source: str | os.PathLike[str]) -> list[Any]:
    """What tells vectors from others in the same place: files with size and time, manifest."""
    manifest = manifest_path(source)
    files = vector_files(source)
    return [_traits(path) for path in [*files, *([manifest] if manifest.is_file() else [])]]


def traits_of(source: str | os.PathLike[str] | None) -> Any:
    """The same for any file or folder; a name that is neither stands for itself."""
    if source is None or not os.path.exists(source):
        return source
    path = Path(source)
    if path.is_file():
        return _traits(path)
    return [_traits(each) for each in sorted(path.rglob("*")) if each.is_file()]


def _traits(path: Path) -> list[Any]:
    about = path.stat()
    return [str(path.resolve()), about.st_size, about.st_mtime_ns]
