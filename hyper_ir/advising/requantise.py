"""Vectors of a coarser factor and fewer terms, from vectors: nothing is encoded again."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from hyper_ir.advising.grid import IndexSetting
from hyper_ir.data.vectors import EMPTY_DOCUMENT, read_vectors
from hyper_ir.files import atomic_directory, atomic_text
from hyper_ir.manifest import Manifest, read_manifest, write_manifest
from hyper_ir.problems import Problems

Vector = dict[str, int]


def requantised(vector: Vector, ratio: float, top_k: int | None) -> Vector:
    """A vector at another factor, cut to its heaviest terms, heaviest first.

    impact' = round(impact × ratio), halves to even; impacts of 0 go. An impact was rounded once
    before, so that it can differ by 1 from one that is encoded at the factor: one in four does at
    half the factor, upwards as often as downwards, one in twenty at a tenth. Terms that the new
    factor makes equal are told apart by their old impacts, then by token. A vector that loses all
    its terms keeps a placeholder, as an empty text's has it.
    """
    coarse = [(round(impact * ratio), impact, token) for token, impact in vector.items()]
    coarse.sort(key=lambda term: (-term[0], -term[1], term[2]))
    kept = {token: impact for impact, _, token in coarse[:top_k] if impact}
    return kept or {EMPTY_DOCUMENT: 1}


def write_requantised(
    source: str | os.PathLike[str],
    folder: Path,
    setting: IndexSetting,
    own_factor: float,
    problems: Problems | None = None,
) -> Manifest:
    """Write all vectors of a source at a setting, gzipped, and return the folder's manifest.

    The folder appears whole; one that is there is replaced. Its manifest has the model and
    vocabulary of the source's, and counts ``documents``, ``terms`` (postings) and ``bytes``.
    Raises ValueError (or tells ``problems``) for what ``read_vectors`` refuses.
    """
    origin = read_manifest(source) or Manifest("vectors")
    documents = terms = 0
    ratio = setting.factor / own_factor
    with atomic_directory(folder, replace=True) as partial:
        path = partial / "embeddings.jsonl.gz"
        with atomic_text(path) as handle:
            for id, vector, _ in read_vectors(source, problems):
                made = requantised(vector, ratio, setting.top_k)
                record = {"id": id, "contents": "", "vector": made}
                handle.write(json.dumps(record, ensure_ascii=False) + "\n")
                documents += 1
                terms += len(made)
        manifest = replace(
            origin,
            kind="vectors",
            quantiser={"factor": setting.factor, "top_k": setting.top_k},
            inputs={"vectors": str(Path(source).resolve())},
            counts={"documents": documents, "terms": terms, "bytes": path.stat().st_size},
        )
        write_manifest(partial, manifest)
    return manifest
