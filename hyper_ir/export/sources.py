"""What may be exported: sparse vectors, all of them."""

from __future__ import annotations

import os
from pathlib import Path

from hyper_ir.lucene.indexing import origin_of
from hyper_ir.lucene.staging import require_sparse_and_whole
from hyper_ir.manifest import Manifest


def open_source(vectors: str | os.PathLike[str]) -> Manifest | None:
    """The manifest of a file or folder of vectors, None where another tool made them.

    Raises ValueError where they do not exist, are dense or no vectors, where the encoding was
    interrupted, and where a shard is missing.
    """
    path = Path(vectors)
    if not path.exists():
        raise ValueError(f"vectors: {path} does not exist; python -m hyper_ir.encode makes them")
    origin = origin_of(path)
    if origin is not None and "bulk" in origin.config:
        raise ValueError(f"vectors: {path} holds bulk files, which are exported already")
    require_sparse_and_whole(path, origin)
    return origin
