"""Vectors as bulk files of OpenSearch or Elasticsearch: NDJSON that ``curl`` can send."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from hyper_ir.data.vectors import read_vectors
from hyper_ir.export.bulk_forms import LONGEST_ID, Form, is_exact
from hyper_ir.export.sources import open_source
from hyper_ir.files import atomic_directory, write_json
from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.outputs import require_output_folder
from hyper_ir.problems import Problems

MEGABYTES = 10
"""Of a file: both engines advise requests of 5 to 15."""

CREATE = "index.json"
MIB = 1 << 20


def write_bulk(
    vectors: str | os.PathLike[str],
    output: str | os.PathLike[str],
    form: Form,
    *,
    megabytes: float = MEGABYTES,
    overwrite: bool = False,
    problems: Problems | None = None,
    progress: bool = True,
) -> Manifest:
    """Write a folder of bulk files, the body that makes the index, and a manifest; return that.

    The folder is whole or not there. A file takes ``megabytes`` at most, but for a document that
    is larger. The manifest counts the weights that the engine will round.

    Raises ValueError for bad vectors, an id of over 512 bytes (or tells ``problems``), and an
    ``output`` that exists, unless ``overwrite``; a folder of something else is never replaced.
    """
    problems = problems if problems is not None else Problems()
    if megabytes <= 0:
        raise ValueError(f"megabytes: more than 0 are needed, not {megabytes:g}")
    output = require_output_folder(
        output, overwrite, [_name(0)], "a folder of bulk files", [vectors]
    )
    origin = open_source(vectors)
    counts = {"documents": 0, "files": 0, "weights": 0, "rounded": 0}
    with atomic_directory(output, replace=overwrite) as folder:
        with _Files(folder, int(megabytes * MIB)) as files:
            records = tqdm(
                read_vectors(vectors, problems), desc="export", unit=" docs", disable=not progress
            )
            for id, vector, where in records:
                if len(id.encode("utf-8")) > LONGEST_ID:
                    problems.found(where, f"id is longer than {LONGEST_ID} bytes in UTF-8")
                    continue
                action, document = form.document(id, vector)
                files.write(f"{_json(action)}\n{_json(document)}\n".encode())
                counts["documents"] += 1
                counts["weights"] += len(vector)
                counts["rounded"] += sum(not is_exact(weight) for weight in vector.values())
        write_json(folder / CREATE, form.create())
        counts |= {"files": files.count, "skipped": problems.count}
        manifest = Manifest(
            "vectors",
            model=origin.model if origin is not None else {},
            vocabulary=origin.vocabulary if origin is not None else "",
            quantiser=origin.quantiser if origin is not None else {},
            config={"bulk": asdict(form) | {"type": form.field_type}},
            inputs={"vectors": str(Path(vectors).resolve())},
            counts=counts,
        )
        write_manifest(folder, manifest)
    return manifest


def _name(number: int) -> str:
    return f"bulk-{number:05d}.ndjson"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class _Files:
    """Bulk files, one after the other, none larger than ``limit`` but for a larger document."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.count = 0
        self._folder = folder
        self._limit = limit
        self._size = 0
        self._handle: BinaryIO | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, lines: bytes) -> None:
        """Append a document's lines, to the next file where this one would be too large."""
        if self._handle is None or self._size + len(lines) > self._limit:
            self._stack.close()
            path = self._folder / _name(self.count)
            self._handle = self._stack.enter_context(path.open("wb"))
            self.count += 1
            self._size = 0
        self._handle.write(lines)
        self._size += len(lines)
