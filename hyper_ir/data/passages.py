"""Writing a corpus as Pyserini's JSONL, in shards, for any tool that indexes or encodes it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

from hyper_ir.data.records import Passage
from hyper_ir.files import atomic_text

Layout = Literal["contents", "fields"]

SHARD_SIZE = 1_000_000


def write_passages(
    folder: str | os.PathLike[str],
    passages: Iterable[Passage],
    layout: Layout = "contents",
    shard_size: int = SHARD_SIZE,
    compress: bool = False,
) -> int:
    """Write ``passages-00000.jsonl[.gz]``, … of ``shard_size`` passages each; return how many.

    ``layout="contents"``: ``{"id", "contents"}``, one line of contents a field, so that
    Pyserini's ``--fields`` splits it (line feeds inside a field become spaces).
    ``layout="fields"``: ``{"id", "title", "text"}`` or whatever fields there are, unchanged.
    Raises ValueError for a shard size below 1.
    """
    if shard_size < 1:
        raise ValueError(f"shard_size: at least 1 passage a file is needed, not {shard_size}")
    stream = iter(passages)
    count = shard = 0
    while (first := next(stream, None)) is not None:
        name = f"passages-{shard:05d}.jsonl" + (".gz" if compress else "")
        with atomic_text(Path(folder) / name) as handle:
            for passage in chain([first], islice(stream, shard_size - 1)):
                handle.write(line_of(passage, layout))
                count += 1
        shard += 1
    return count


def line_of(passage: Passage, layout: Layout) -> str:
    """The passage as a line of JSON with its line end."""
    record: dict[str, Any]
    if layout == "fields":
        record = {"id": passage.id, **passage.fields}
    else:
        texts = (text.replace("\r\n", " ").replace("\n", " ") for text in passage.fields.values())
        record = {"id": passage.id, "contents": "\n".join(texts)}
    return json.dumps(record, ensure_ascii=False) + "\n"
