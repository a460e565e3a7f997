"""A folder of vectors: all its files are of one run, of one model, corpus and configuration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyper_ir.manifest import Manifest, model_name, read_manifest

FILES = "embeddings*.jsonl*"
MANIFEST_SUFFIX = ".manifest"


def identity(manifest: Manifest) -> dict[str, Any]:
    """What an interrupted run must share with this one to be taken up."""
    return {
        "model": manifest.model["sha256"],
        "quantiser": manifest.quantiser,
        "config": manifest.config,
        "corpus": corpus_identity(manifest),
    }


def corpus_identity(manifest: Manifest) -> dict[str, Any]:
    """The corpus by its files and settings, wherever it lies; by its name where it has no files."""
    described = manifest.inputs.get("corpus", {})
    if not isinstance(described, dict):  # made elsewhere, or by hand
        return {"source": described}
    kept = {name: value for name, value in described.items() if name != "source"}
    return kept if described.get("files") else described


def check_folder(folder: Path, manifest: Manifest, names: Sequence[str]) -> None:
    """Raise ValueError where a folder holds vectors that are no shards of this run.

    Parameters
    ----------
    manifest: of what is to be written.
    names: the files that it will have. Of files with other names, one is looked at.
    """
    if not folder.is_dir():
        return
    for artefact in (folder, *(folder / name for name in names), *_finished(folder)[:1]):
        there = read_manifest(artefact)
        if there is not None and (found := differing(manifest, there)):
            raise ValueError(
                f"{folder} holds vectors of another {' and '.join(found)}, made by "
                f"{model_name(there)}; give another folder{_or_overwrite(manifest)}"
            )


def _or_overwrite(manifest: Manifest) -> str:
    """What throws away all that is there; a shard leaves the others alone."""
    if manifest.config.get("shard_num", 1) > 1:
        return ", or remove this one"
    return ", or add --overwrite after `output`"


def differing(mine: Manifest, theirs: Manifest) -> list[str]:
    """What two runs do not have in common, by name, each with the settings that differ."""
    here, there = _of_all_shards(mine), _of_all_shards(theirs)
    return [
        name + _in_brackets(here[name], there[name])
        for name in sorted(here)
        if here[name] != there[name]
    ]


def _in_brackets(part: object, other: object) -> str:
    if not isinstance(part, dict) or not isinstance(other, dict):
        return ""
    names = (name for name in {*part, *other} if part.get(name) != other.get(name))
    return f" ({', '.join(sorted(names))})"


def _of_all_shards(manifest: Manifest) -> dict[str, Any]:
    """What the shards of one run have in common."""
    config = {name: value for name, value in manifest.config.items() if name != "shard_id"}
    return {
        "model": manifest.model.get("sha256", manifest.model),
        "vocabulary": manifest.vocabulary,
        "quantiser": manifest.quantiser,
        "configuration": config,
        "corpus": corpus_identity(manifest),
    }


def folder_counts(folder: Path) -> dict[str, int]:
    """The counts of all finished files of the folder, added up."""
    totals: dict[str, int] = {}
    for path in _finished(folder):
        manifest = read_manifest(path)
        for name, count in (manifest.counts if manifest else {}).items():
            totals[name] = totals.get(name, 0) + count
    return totals


def _finished(folder: Path) -> list[Path]:
    """The files that have a manifest, in the order of their names."""
    manifests = sorted(folder.glob(FILES + MANIFEST_SUFFIX))
    return [path.with_name(path.name.removesuffix(MANIFEST_SUFFIX)) for path in manifests]
