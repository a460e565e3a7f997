"""Folders that are made once and opened from then on: each says of what it was made."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from hyper_ir.files import write_json

SETTINGS = "store.json"
FORMAT = 1


def is_made(folder: Path, kind: str, made_of: dict[str, Any]) -> bool:
    """Whether the folder holds a store of this kind that was made of the same.

    Says on stderr what differs where the store will be made anew. Raises ValueError when what
    stands under this name is no such store: it is not to be replaced.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    there = read_settings(folder, kind)["made_of"]
    wanted = json.loads(json.dumps(made_of))
    differing = sorted(key for key in {*there, *wanted} if there.get(key) != wanted.get(key))
    if differing:
        print(
            f"notice: {folder} was made with another {' and '.join(differing)}; it is made anew",
            file=sys.stderr,
        )
    return not differing


def write_settings(
    folder: Path, kind: str, made_of: dict[str, Any], counts: dict[str, int]
) -> None:
    """Write down what the store in ``folder`` is, of what it was made, and how much it holds."""
    settings = {"kind": kind, "format": FORMAT, "made_of": made_of, "counts": counts}
    write_json(folder / SETTINGS, settings)


def read_settings(folder: Path, kind: str) -> dict[str, Any]:
    """What :func:`write_settings` wrote; ValueError where the folder is no store of this kind."""
    path = folder / SETTINGS
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"{folder}: not a folder of {kind}: it has no {SETTINGS}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not readable as JSON ({error})") from error
    found = (settings.get("kind"), settings.get("format")) if isinstance(settings, dict) else None
    if found != (kind, FORMAT) or not isinstance(settings.get("made_of"), dict):
        raise ValueError(
            f"{folder}: not a folder of {kind} of format {FORMAT}; remove it or name another"
        )
    return dict(settings)
