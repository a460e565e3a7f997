"""A cell's folder: whole in itself, checked by hashes, so that it can be carried anywhere.

``cells/KEY/`` holds ``cell.json`` (the identity whose hash is KEY), ``training.json``,
``recipe.json`` and ``log.jsonl`` of a trained cell, ``model/`` where it is kept, ``runs/``,
``scores/``, ``attention/``, and ``contents.json`` with the SHA-256 of each. What is not in
``contents.json`` is not finished.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hyper_ir.files import sha256_of, write_json
from hyper_ir.reproduction.identity import key_of

CELL = "cell.json"
CONTENTS = "contents.json"
TRAINING = "training.json"
RECIPE = "recipe.json"
LOG = "log.jsonl"
MODEL = "model"
WORK = "training"
SCRATCH = "scratch"

LARGE = 1 << 20
"""Bytes from which a file is worth sharing between cells."""


class CellFolder:
    """The folder of one cell.

    Parameters
    ----------
    cells: the folder of all cells.
    key: the cell's.
    """

    def __init__(self, cells: Path, key: str) -> None:
        self.key = key
        self.path = cells / key
        self.model = self.path / MODEL
        self.work = self.path / WORK
        self.scratch = self.path / SCRATCH

    def open(self, identity: Mapping[str, Any], name: str) -> None:
        """Make the folder, or check what is there.

        Raises ValueError for a damaged folder: see :meth:`check`.
        """
        if (self.path / CELL).exists() or self.contents():
            self.check()
        else:
            self.path.mkdir(parents=True, exist_ok=True)
            write_json(self.path / CELL, {"name": name, "identity": identity})

    def check(self) -> None:
        """Raise ValueError unless the folder is this cell's and its files are as they were made."""
        self.require_own()
        for name, digest in self.contents().items():
            path = self.path / name
            if not path.is_file():
                raise ValueError(f"{path} is gone; {CURE}")
            if sha256_of(path) != digest:
                raise ValueError(f"{path} is not what was written; {CURE}")

    def require_own(self) -> None:
        """Raise ValueError unless the folder says of itself that it is this cell's."""
        identity = read_object(self.path / CELL).get("identity")
        if not isinstance(identity, dict) or key_of(identity) != self.key:
            raise ValueError(f"{self.path / CELL}: its identity is not that of {self.key}; {CURE}")

    def contents(self) -> dict[str, str]:
        """The SHA-256 of each finished file, by its name from here."""
        if not (self.path / CONTENTS).exists():
            return {}
        files = read_object(self.path / CONTENTS).get("files")
        if not isinstance(files, dict) or any(Path(name).is_absolute() for name in files):
            raise ValueError(f"{self.path / CONTENTS}: it names no files; {CURE}")
        return {str(name): str(digest) for name, digest in files.items()}

    def has(self, name: str) -> bool:
        """Whether a file, or something in a folder, is finished."""
        return any(each == name or each.startswith(f"{name}/") for each in self.contents())

    def finish(self, paths: Iterable[Path]) -> None:
        """Note files, and all files of folders, as finished."""
        files = self.contents()
        for path in paths:
            for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if each.is_file():
                    files[each.relative_to(self.path).as_posix()] = sha256_of(each)
        write_json(self.path / CONTENTS, {"files": files})

    def forget(self, name: str) -> None:
        """Remove a finished file or folder; what is to be made anew is forgotten first.

        Killed before the new one is finished, the folder is then not taken for damaged.
        """
        files = self.contents()
        kept = {
            each: digest
            for each, digest in files.items()
            if each != name and not each.startswith(f"{name}/")
        }
        if kept != files:
            write_json(self.path / CONTENTS, {"files": kept})
        path = self.path / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def read(self, name: str) -> dict[str, Any]:
        """A finished JSON file; ValueError where it is damaged."""
        path = self.path / name
        digest = self.contents().get(name)
        if digest is None:
            raise ValueError(f"{path}: it is not finished")
        if not path.is_file() or sha256_of(path) != digest:
            raise ValueError(f"{path} is not what was written; {CURE}")
        return read_object(path)


CURE = "remove the cell's folder, and it is made anew"


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object; ValueError where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not readable: {error}; {CURE}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path}: a JSON object is needed; {CURE}")
    return value


def share_files(folder: Path, pool: Path) -> None:
    """Keep large files that many models have, such as frozen document encoders, but once.

    Equal files become links to one; where the file system has none, they stay as they are.
    """
    pool.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.stat().st_size < LARGE:
            continue
        one = pool / sha256_of(path)
        try:
            if not one.exists():
                os.link(path, one)
            elif not path.samefile(one):
                link = path.with_name(f".{path.name}.link")
                link.unlink(missing_ok=True)
                os.link(one, link)
                os.replace(link, path)
        except OSError:
            return
