"""A collection dealt out to shards, a folder each, in one pass: what Anserini is to read."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from hyper_ir.data.records import Passage
from hyper_ir.lucene.shards import Frequencies, shard_names, shard_of
from hyper_ir.lucene.staging import shown

# Anserini's threads take a file each; all of them are open at once.
MOST_FILES = 256


@dataclass
class Dealt:
    """What a pass over a collection found.

    Attributes
    ----------
    documents: by shard.
    frequencies: documents by token; empty for texts.
    collection: SHA-256 over shards, ids and contents, in the order they came in.
    """

    documents: list[int]
    frequencies: Counter[str] = field(default_factory=Counter)
    collection: str = ""

    def statistics(self) -> Frequencies:
        """The collection's document frequencies."""
        return Frequencies(sum(self.documents), self.frequencies, self.collection)


def deal_vectors(
    vectors: Iterable[tuple[str, Mapping[str, int]]], folder: Path, shards: int, files: int
) -> Dealt:
    """Write ``(id, vector)`` into ``folder/shard-NN``, in up to ``files`` files each.

    Memory: the document frequencies. Raises ValueError where a shard would be empty.
    """
    frequencies: Counter[str] = Counter()

    def records() -> Iterable[tuple[str, dict[str, object]]]:
        for id, vector in vectors:
            frequencies.update(vector.keys())
            yield id, {"id": id, "contents": "", "vector": vector}

    dealt = _deal(records(), folder, shards, files)
    dealt.frequencies = frequencies
    return dealt


def deal_passages(
    passages: Iterable[Passage],
    folder: Path,
    shards: int,
    files: int,
    total: int | None,
    progress: bool,
) -> Dealt:
    """Write passages into ``folder/shard-NN``, as :func:`deal_vectors` does vectors."""
    records = (
        (passage.id, {"id": passage.id, "contents": passage.contents})
        for passage in shown(passages, progress, total)
    )
    return _deal(records, folder, shards, files)


def _deal(
    records: Iterable[tuple[str, Mapping[str, object]]], folder: Path, shards: int, files: int
) -> Dealt:
    files = max(1, min(files, MOST_FILES // shards))
    documents = [0] * shards
    digest = hashlib.sha256(f"{shards} shards\n".encode())
    with contextlib.ExitStack() as stack:
        handles = [_open(stack, folder / name, files) for name in shard_names(shards)]
        for id, record in records:
            line = json.dumps(record, ensure_ascii=False) + "\n"
            digest.update(line.encode("utf-8"))
            shard = shard_of(id, shards)
            handles[shard][documents[shard] % files].write(line)
            documents[shard] += 1
    if not sum(documents):
        raise ValueError("the collection holds no document")
    if 0 in documents:
        raise ValueError(
            f"shards: {shards} for {sum(documents):,} documents leave shard {documents.index(0)} "
            "(numbered from 0) empty; make fewer"
        )
    return Dealt(documents, collection=digest.hexdigest())


def _open(stack: contextlib.ExitStack, folder: Path, files: int) -> list[TextIO]:
    folder.mkdir(parents=True)
    return [
        stack.enter_context(open(folder / f"part-{part:05d}.jsonl", "w", encoding="utf-8"))
        for part in range(files)
    ]
