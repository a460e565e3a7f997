"""From files of vectors to the arrays of a document store, in bounded memory."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from tqdm import tqdm

from hyper_ir.data.checks import shortened
from hyper_ir.data.dense_vectors import read_dense_vectors
from hyper_ir.data.vectors import EMPTY_DOCUMENT, read_vectors, vector_files
from hyper_ir.encode.vector_file import PROGRESS_SUFFIX
from hyper_ir.manifest import Manifest, read_manifest
from hyper_ir.training.array_file import ArrayFile
from hyper_ir.training.id_table import IdTableWriter

KIND = "document vectors"

STARTS = "starts.npy"
COMPONENTS = "components.npy"
WEIGHTS = "weights.npy"
VECTORS = "vectors.npy"

WINDOW = 1024
"""Documents read at once."""

Record = TypeVar("Record")


def identity(
    source: Path, width: int, tokens: Sequence[str] | None, factor: float
) -> dict[str, Any]:
    """All that the store follows from: the source's manifest and files, and what is asked for.

    Raises ValueError where these contradict each other, or the source is not whole.
    """
    files = vector_files(source)
    manifest = read_manifest(source)
    require_all_files(source, files, manifest)
    vocabulary = None
    if tokens is not None:
        _check_vocabulary(tokens, width)
        _check_factor(source, factor, manifest)
        vocabulary = hashlib.sha256(json.dumps(list(tokens)).encode()).hexdigest()
    described = [{"name": path.name, "bytes": path.stat().st_size} for path in files]
    if manifest is None:
        for entry, path in zip(described, files, strict=True):
            entry["modified"] = path.stat().st_mtime_ns
    return {
        "files": described,
        "manifest": None if manifest is None else _of_content(manifest),
        "width": width,
        "vocabulary": vocabulary,
        "factor": factor if tokens is not None else None,
    }


def _of_content(manifest: Manifest) -> dict[str, Any]:
    return {name: value for name, value in asdict(manifest).items() if name != "hyper_ir"}


def require_all_files(source: Path, files: list[Path], manifest: Manifest | None) -> None:
    """Raise ValueError where a folder's encoding is not finished, or lacks a shard."""
    if not source.is_dir():
        return
    if any(source.glob(f".*{PROGRESS_SUFFIX}")):
        raise ValueError(f"vectors: {source}: its encoding is not finished; --resume it")
    shards = manifest.config.get("shard_num") if manifest is not None else None
    if shards is not None and len(files) != shards:
        raise ValueError(f"vectors: {source} holds {len(files)} files of {shards} shards")


def _check_vocabulary(tokens: Sequence[str], width: int) -> None:
    if len(tokens) != width:
        raise ValueError(f"vocabulary: {len(tokens):,} tokens for vectors of {width:,} components")
    if len(set(tokens)) != width:
        raise ValueError("vocabulary: a token stands in it twice")


def _check_factor(source: Path, factor: float, manifest: Manifest | None) -> None:
    if not (factor > 0 and math.isfinite(factor)):
        raise ValueError(f"factor: {factor} is not a number above 0")
    own = manifest.quantiser.get("factor") if manifest is not None else None
    if own is not None and own != factor:
        raise ValueError(f"factor: {factor} is asked for; {source} was quantised with {own}")


def write_sparse(
    folder: Path, source: Path, tokens: Sequence[str], factor: float, progress: bool
) -> dict[str, int]:
    """Write sparse vectors as the arrays of a CSR matrix, and the ids; return how many there are.

    Raises ValueError for bad records and for tokens that are not in the vocabulary.
    """
    known = {token: component for component, token in enumerate(tokens)}
    kind = np.uint16 if len(tokens) <= 2**16 else np.int32
    with (
        IdTableWriter(folder) as ids,
        ArrayFile(folder / STARTS, np.int64) as starts,
        ArrayFile(folder / COMPONENTS, kind) as components,
        ArrayFile(folder / WEIGHTS, np.float32) as weights,
    ):
        starts.append([0])
        for window in _windows(read_vectors(source), progress):
            rows = [_row(vector, known, where) for _, vector, where in window]
            starts.append(components.length + np.cumsum([len(row) for row in rows], dtype=np.int64))
            terms = np.array([term for row in rows for term in row], dtype=np.int64).reshape(-1, 2)
            components.append(terms[:, 0])
            weights.append(terms[:, 1] / factor)
            ids.extend([id for id, _, _ in window])
        counts = {"documents": starts.length - 1, "terms": components.length}
    _check_count(source, counts["documents"])
    return counts


def _row(vector: dict[str, int], known: dict[str, int], where: str) -> list[tuple[int, int]]:
    """Components and impacts in ascending order; the placeholder of an empty text is left out."""
    if vector.keys() == {EMPTY_DOCUMENT}:
        return []
    try:
        return sorted((known[token], impact) for token, impact in vector.items())
    except KeyError as error:
        raise ValueError(
            f"{where}: token {shortened(error.args[0])} is not in the model's vocabulary: are "
            "these vectors of another model?"
        ) from error


def write_dense(folder: Path, source: Path, width: int, progress: bool) -> dict[str, int]:
    """Write dense vectors as one array, and the ids; return how many there are.

    Raises ValueError for bad records.
    """
    with IdTableWriter(folder) as ids, ArrayFile(folder / VECTORS, np.float32, width) as vectors:
        for window in _windows(read_dense_vectors(source, width), progress):
            vectors.append(np.stack([vector for _, vector, _ in window]))
            ids.extend([id for id, _, _ in window])
        counts = {"documents": vectors.length}
    _check_count(source, counts["documents"])
    return counts


def _windows(records: Iterator[Record], progress: bool) -> Iterator[list[Record]]:
    shown = iter(tqdm(records, desc="vectors", unit="doc", disable=not progress))
    while window := list(islice(shown, WINDOW)):
        yield window


def _check_count(source: Path, documents: int) -> None:
    """What was read is what the manifest says was written."""
    manifest = read_manifest(source)
    expected = manifest.counts.get("documents") if manifest is not None else None
    if expected is not None and expected != documents:
        raise ValueError(
            f"vectors: {source} holds {documents:,} documents; its manifest says {expected:,}: "
            "it was damaged or changed"
        )
