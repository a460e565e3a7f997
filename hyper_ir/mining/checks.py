"""What must fit before mining begins: the outputs' places, and the index with the corpus."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hyper_ir.data.corpus import Corpus
from hyper_ir.files import require_writable
from hyper_ir.lucene.searching import is_impact
from hyper_ir.manifest import Manifest
from hyper_ir.outputs import require_not_input


def check_outputs(
    outputs: Sequence[Path], inputs: Iterable[str | os.PathLike[str]], overwrite: bool
) -> None:
    """Raise ValueError unless every output can be written, and none is another file in use.

    The first is written last: without it, leak reports that are there were left by a run that was
    killed just before its end, and may go.
    """
    used = list(inputs)
    for place, path in enumerate(outputs):
        require_writable(path, "output")
        if path in outputs[:place]:
            raise ValueError(f"output: {path} is given for two outputs; give each its own file")
        require_not_input(path, used)
        left = place > 0 and not outputs[0].exists() and _is_report(path)
        if path.exists() and not overwrite and not left:
            raise ValueError(f"output: {path} exists already; give another name, or --overwrite")


def _is_report(path: Path) -> bool:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(value, dict) and {"format", "hyper_ir", "settings", "tasks"} <= value.keys()


def check_index(index: str, manifest: Manifest | None, corpus: Corpus) -> str:
    """Raise ValueError where the index holds impacts, or other passages than this corpus gives.

    Returns what should be told without being an error, that it was made of other files; empty
    where nothing is. An index of another tool has no manifest and is taken as it is.
    """
    if is_impact(manifest):
        raise ValueError(
            f"index: {index} holds impacts, not texts; mining needs a BM25 index (python -m "
            f"hyper_ir.index --input {corpus.source} --index INDEX), or --runs of the impact search"
        )
    recorded = manifest.inputs.get("corpus") if manifest is not None else None
    if not isinstance(recorded, dict):
        return ""
    here = corpus.describe()
    names = (recorded.keys() | here.keys()) - {"source", "files"}
    differing = sorted(name for name in names if recorded.get(name) != here.get(name))
    if differing:
        told = ", ".join(
            f"{name} {_said(recorded.get(name))} there and {_said(here.get(name))} here"
            for name in differing
        )
        raise ValueError(
            f"index: {index} and --corpus {corpus.source} give different passages: {told}; give "
            "the corpus and its flags as the index had them (it was made of "
            f"{recorded.get('source')})"
        )
    if recorded.get("files") != here.get("files"):
        return (
            f"index {index} was made of {recorded.get('source')}, whose files are not those of "
            f"{corpus.source}; candidates that the corpus lacks are dropped and counted"
        )
    return ""


def _said(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else repr(value)
