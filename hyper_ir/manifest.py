"""The manifest beside every artefact: what made it, from what, with which settings.

A folder (vectors, a Lucene index, a model) holds it as ``hyper_ir.manifest``; a file (encoded
topics, a run) has it beside it as ``FILE.manifest``. The content is JSON; the name does not end
in ``.json`` because Anserini's JsonVectorCollection reads every ``.json`` file of its input
folder as documents.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path, PurePath
from typing import Any, Literal

from hyper_ir.bounded import read_whole
from hyper_ir.files import write_json
from hyper_ir.version import __version__

NAME = "hyper_ir.manifest"
FORMAT = 1
TEXTS = ("kind", "vocabulary", "hyper_ir")

Kind = Literal[
    "corpus", "topics", "qrels", "model", "vectors", "index", "run", "examples", "advice"
]


@dataclass(frozen=True)
class Manifest:
    """What an artefact is and where it came from.

    Attributes
    ----------
    kind: what stands beside it.
    model: name, and SHA-256 over weights and settings, of the retriever; empty for BM25.
    vocabulary: SHA-256 over the token strings in order; vectors of two vocabularies never match.
    quantiser: ``factor`` (impact = round(weight × factor)), ``top_k`` (terms kept), or empty.
    config: the resolved settings of the command that made the artefact.
    inputs: paths or names it was made from, with sizes or hashes where known.
    counts: documents, topics, terms, skipped records, and the like.
    """

    kind: Kind
    model: dict[str, Any] = field(default_factory=dict)
    vocabulary: str = ""
    quantiser: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    hyper_ir: str = __version__
    format: int = FORMAT


def manifest_path(artefact: str | os.PathLike[str]) -> Path:
    """Where the manifest of a file or folder stands."""
    artefact = Path(artefact)
    if artefact.is_dir():
        return artefact / NAME
    return artefact.with_name(artefact.name + ".manifest")


def write_manifest(artefact: str | os.PathLike[str], manifest: Manifest) -> Path:
    """Write the manifest beside an existing artefact and return its path."""
    path = manifest_path(artefact)
    write_json(path, asdict(manifest))
    return path


def write_manifest_first(artefact: str | os.PathLike[str], manifest: Manifest) -> None:
    """Write the manifest of a file that is about to get its name (``beside`` of ``atomic_file``).

    A file that has the name goes as soon as the manifest is on disk: whenever the process ends, no
    file stands beside another's manifest.
    """
    path = Path(artefact)
    write_json(manifest_path(path), asdict(manifest), lambda: path.unlink(missing_ok=True))


def read_manifest(artefact: str | os.PathLike[str]) -> Manifest | None:
    """The artefact's manifest, or None where it has none (another tool made it).

    Raises ValueError when the manifest is broken or of a later format.
    """
    path = manifest_path(artefact)
    if not path.is_file():
        return None
    try:
        value = json.loads(read_whole(path))
        if not isinstance(value, dict):
            raise ValueError("not a JSON object")
        if value.get("format") != FORMAT:
            raise ValueError(
                f"format {value.get('format')!r}; this version of hyper_ir reads {FORMAT}"
            )
        return _checked(Manifest(**value))
    except (ValueError, TypeError, RecursionError) as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise ValueError(f"{path}: broken manifest: {reason:.500}") from error


def _checked(manifest: Manifest) -> Manifest:
    """The manifest; ValueError (without a place) where a part of it is of another type."""
    for part in fields(manifest):
        value = getattr(manifest, part.name)
        if part.name in TEXTS and not isinstance(value, str):
            raise ValueError(f"{part.name} is not text")
        if part.name not in (*TEXTS, "format") and not isinstance(value, dict):
            raise ValueError(f"{part.name} is not an object")
    for name, count in manifest.counts.items():
        if type(count) not in (int, float):
            raise ValueError(f"counts: {name} is not a number")
    return manifest


def check_fits(
    documents: Manifest | None, queries: Manifest | None, where: str, encoder: str | None = None
) -> None:
    """Refuse to search ``documents`` with ``queries`` made over another vocabulary.

    Either may be None (made by another tool): then there is nothing to compare. ``where`` names
    the index in the message, ``encoder`` the model of the queries (else: its own name).
    Raises ValueError when both vocabularies are known and differ.
    """
    if documents is None or queries is None:
        return
    if documents.vocabulary and queries.vocabulary and documents.vocabulary != queries.vocabulary:
        raise ValueError(
            f"{where}: made by {model_name(documents)}, whose vocabulary is not that of the query "
            f"encoder {encoder or model_name(queries)}; encode the queries with the same model "
            "family, or index vectors of this one"
        )


def model_name(manifest: Manifest) -> str:
    """What to call the model that made an artefact."""
    return short_name(str(manifest.model.get("name") or "an unnamed model"))


def short_name(name: str) -> str:
    """A model's name without its place: of a path the last part, of a hub's model what it is."""
    return PurePath(name).name if os.path.isabs(name) else name
