"""A saved model's files, held against the digests that were noted when they were written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyper_ir.files import sha256_of

DIGESTS = "files"
"""Where in the manifest's ``model`` the digests are: SHA-256 by the file's name in the folder."""

TOKENIZER = "tokenizer.json"

NAMES = ("*.safetensors", TOKENIZER)
"""What a flipped bit would change in silence; a damaged JSON of settings is refused as it is."""


def digests_of(folder: Path, names: Sequence[str] = NAMES) -> dict[str, str]:
    """SHA-256 of each file of these names, by its path within the folder."""
    paths = sorted(path for pattern in names for path in folder.rglob(pattern))
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}


def require_undamaged(folder: Path, model: dict[str, Any]) -> None:
    """Hold the files against a manifest's ``model``; one without digests says nothing.

    Raises ValueError that names a file which is gone or is not what was written.
    """
    noted = model.get(DIGESTS)
    if not isinstance(noted, dict):
        return
    present = digests_of(folder)
    for name, digest in noted.items():
        if name not in present:
            raise ValueError(f"{folder}: {name} is missing; copy the model's folder again")
        if present[name] != digest:
            raise ValueError(
                f"{folder / name}: damaged, or not what was saved: its SHA-256 is another than "
                "hyper_ir.manifest notes; copy it again, or save the changed model anew"
            )
