"""A collection in several Lucene indexes: which document goes where, and what each index knows.

The folder of the shards has a manifest that names them; each shard's own manifest says which shard
of which collection it is. A shard of impacts also holds the document frequencies of the whole
collection, so that it can be searched far from the others, with the tokens that they would search.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hyper_ir.files import write_json
from hyper_ir.manifest import NAME, Manifest, read_manifest

RULE = "the first 8 bytes of the id's BLAKE2b, as a number, modulo the number of shards"
"""Which shard a document goes to: by its id alone, whatever the order and the machine."""

MOST = 1_000
FREQUENCIES = "hyper_ir.frequencies"


def shard_of(id: str, shards: int) -> int:
    """The number of the document's shard, from 0; see ``RULE``."""
    digest = hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % shards


def shard_names(shards: int) -> list[str]:
    """The names of the shards' folders, in their order."""
    width = max(2, len(str(shards - 1)))
    return [f"shard-{number:0{width}d}" for number in range(shards)]


@dataclass(frozen=True, slots=True)
class Shard:
    """Which part of which collection an index holds.

    Attributes
    ----------
    number: of the shard, from 0.
    of: shards in all.
    collection: SHA-256 over the documents, by which shards of one collection know each other.
    """

    number: int
    of: int
    collection: str

    def __str__(self) -> str:
        return f"shard {self.number} of {self.of} (numbered from 0)"


def shard_in(manifest: Manifest | None) -> Shard | None:
    """What an index's manifest says of it; None where it is whole by itself."""
    recorded = manifest.config.get("shard") if manifest is not None else None
    return Shard(**recorded) if recorded else None


def run_shards(shards: Sequence[Shard]) -> dict[str, Any]:
    """What a run's manifest says in its ``config`` of the shards that were searched."""
    if not shards:
        return {}
    numbers = [shard.number for shard in shards]
    first = shards[0]
    return {"shards": {"collection": first.collection, "of": first.of, "numbers": numbers}}


def record(shard: Shard) -> dict[str, Any]:
    """The shard as ``shard_in`` finds it in a manifest's ``config``."""
    return {"shard": asdict(shard)}


def is_sharded(path: str | os.PathLike[str]) -> bool:
    """Whether the folder is one of shards."""
    if not (Path(path) / NAME).is_file():
        return False
    manifest = read_manifest(path)
    return manifest is not None and manifest.kind == "index" and "shards" in manifest.config


def shard_folders(path: Path) -> list[Path]:
    """The shards of a folder, in their order; ValueError where one is gone."""
    manifest = read_manifest(path)
    names = manifest.config["shards"] if manifest is not None else []
    folders = [path / name for name in names]
    for folder in folders:
        if not folder.is_dir() or not any(folder.glob("segments_*")):
            raise ValueError(
                f"index: {path} is made of {len(folders)} shards, and {folder.name} is gone; bring "
                "it back, or index anew"
            )
    return folders


@dataclass(frozen=True, slots=True)
class Frequencies:
    """In how many of a collection's documents each token occurs.

    Attributes
    ----------
    documents: of the whole collection.
    counts: documents by token.
    collection: as in ``Shard``.
    """

    documents: int
    counts: Mapping[str, int]
    collection: str

    def write(self, index: Path) -> None:
        """Put them into an index's folder, where Lucene leaves them alone."""
        write_json(index / FREQUENCIES, {**asdict(self), "counts": dict(self.counts)})

    @classmethod
    def read(cls, index: Path, collection: str) -> Frequencies:
        """Those in an index's folder; ValueError where they are gone, or not of ``collection``."""
        path = index / FREQUENCIES
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            found = cls(int(value["documents"]), value["counts"], value["collection"])
            if found.collection != collection or not isinstance(found.counts, dict):
                raise ValueError("of another collection")
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise ValueError(
                f"{path}: the collection's document frequencies cannot be read ({error}); copy the "
                "shard again, or search all shards together"
            ) from error
        return found
