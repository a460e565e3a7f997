"""Outputs that would take the place of something else: of an input, or of a folder of other kind.

What these refuse, they refuse before any work.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from hyper_ir.files import require_writable_folder


def require_output_folder(
    path: str | os.PathLike[str],
    overwrite: bool,
    marks: Sequence[str],
    kind: str,
    inputs: Iterable[str | os.PathLike[str]] = (),
) -> Path:
    """Return ``path`` as a Path; raise ValueError unless it is a folder to make, or to replace.

    Parameters
    ----------
    marks: names of which a folder of this kind has one; a folder with none of them is somebody
        else's and is never replaced, unless it is empty.
    kind: what is written, in words: ``"a model"``.
    inputs: what is read; names that are no files count for nothing.
    """
    folder = require_writable_folder(path, "output")
    if not folder.exists():
        return folder
    if not overwrite:
        raise ValueError(f"{folder} exists already; --overwrite replaces it")
    require_not_input(folder, inputs)
    require_own(folder, marks, kind)
    return folder


def require_own(folder: Path, marks: Sequence[str], kind: str) -> None:
    """Raise ValueError where a folder that is there holds something, and none of the marks."""
    if not folder.is_dir() or any((folder / mark).exists() for mark in marks):
        return
    if any(folder.iterdir()):
        raise ValueError(
            f"output: {folder} is not {kind} (it has no {' or '.join(marks)}); it is left alone"
        )


def require_not_input(
    output: str | os.PathLike[str],
    inputs: Iterable[str | os.PathLike[str]],
    what: str = "output",
) -> None:
    """Raise ValueError where what is written is one of what is read, by whatever name."""
    if not os.path.exists(output):
        return
    for path in inputs:
        if os.path.exists(path) and os.path.samefile(path, output):
            raise ValueError(f"{what}: {os.fspath(output)} is an input; give another name")
