"""A collection in shards of consecutive documents, each a file of its own: planned, read, resumed.

The files lie in one folder, ``embeddings-00003-of-00042.jsonl``, and hold, in the order of their
names, the lines that one file would. A shard is whole or not there; its manifest, written after
it, says how large it is and, as a hash, whose ids it holds. As long as shards are missing,
``.embeddings.progress`` lies beside them, and the folder is not indexed.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from hyper_ir.data.records import Passage
from hyper_ir.encode.documents import OutputConfig, texts_of
from hyper_ir.encode.vector_file import PROGRESS_SUFFIX
from hyper_ir.encode.vector_folder import FILES, differing, folder_counts, identity
from hyper_ir.encode.windows import Window, windows_of
from hyper_ir.files import PARTIAL_SUFFIX, write_json
from hyper_ir.locking import sole_writer
from hyper_ir.manifest import NAME, Manifest, read_manifest, write_manifest

NAME_OF_ALL = "embeddings"
HOW_TO_RESUME = "add --resume after `output` to make the shards that are missing"
PROGRESS = f".{NAME_OF_ALL}{PROGRESS_SUFFIX}"


@dataclass(frozen=True)
class Shard:
    """Some consecutive documents of a collection.

    Attributes
    ----------
    number: the shard's, from 0.
    first: the place of its first document in the collection, from 0.
    items: its passages, each with the text to encode.
    """

    number: int
    first: int
    items: Window

    def __str__(self) -> str:
        first, last = self.items[0][0].id, self.items[-1][0].id
        places = f"{self.first + 1:,} to {self.first + len(self.items):,}"
        return f"shard {self.number}, documents {places} ({first} to {last})"

    @property
    def ids(self) -> str:
        """A hash of the documents' ids in their order."""
        digest = hashlib.sha256()
        for passage, _ in self.items:
            digest.update(passage.id.encode("utf-8", "surrogatepass") + b"\n")
        return digest.hexdigest()


@dataclass(frozen=True)
class ShardPlan:
    """How a collection is cut, and where its shards go.

    Attributes
    ----------
    folder: where; every worker must see it under this name.
    output: the texts to encode and whether files are gzipped; it knows nothing of the shards.
    documents: of a shard; the last has what is left.
    total: documents of the collection.
    manifest: of all shards together, without counts.
    """

    folder: Path
    output: OutputConfig
    documents: int
    total: int
    manifest: Manifest

    @property
    def shards(self) -> int:
        """How many there are."""
        return -(-self.total // self.documents)

    def path(self, number: int) -> Path:
        """The file of a shard."""
        own = replace(self.output, shard_id=number, shard_num=self.shards)
        return self.folder / own.file_name

    def settings(self) -> dict[str, Any]:
        """What an interrupted run must share with this one to be taken up."""
        return identity(self.whole()) | {"documents": self.total}

    def whole(self, counts: dict[str, int] | None = None) -> Manifest:
        """The folder's manifest."""
        cut = {"shard_num": self.shards, "documents_per_shard": self.documents}
        config = {**self.manifest.config, **cut}
        return replace(self.manifest, config=config, counts=counts or {})

    def shard_manifest(self, shard: Shard, counts: dict[str, int]) -> Manifest:
        """A shard's manifest."""
        whole = self.whole(counts)
        config = {**whole.config, "shard_id": shard.number}
        return replace(whole, config=config, inputs={**whole.inputs, "ids": shard.ids})

    def finished(self) -> dict[int, str]:
        """The shards that are done, each with the hash of its ids.

        A file of another size than its manifest says was damaged: its shard is not done.
        """
        found = {}
        for number in range(self.shards):
            path = self.path(number)
            manifest = read_manifest(path) if path.is_file() else None
            if manifest is None or differing(self.whole(), manifest):
                continue
            if path.stat().st_size == manifest.counts.get("bytes"):
                found[number] = str(manifest.inputs.get("ids"))
        return found

    def documents_of(self, number: int) -> int:
        """How many documents a shard has."""
        return min(self.documents, self.total - number * self.documents)


def missing_shards(
    plan: ShardPlan, passages: Iterable[Passage], finished: dict[int, str]
) -> Iterator[Shard]:
    """Read a collection and yield the shards that are not done, as they are asked for.

    Raises ValueError where a shard that is done holds other documents: the collection has changed.
    """
    cut = windows_of(texts_of(passages, plan.output), plan.documents)
    for number, items in enumerate(cut):
        shard = Shard(number, number * plan.documents, items)
        if number not in finished:
            yield shard
        elif shard.ids != finished[number]:
            raise ValueError(
                f"{plan.path(number)} does not hold {shard} of the corpus, which has changed; "
                "--overwrite starts anew"
            )


class ShardFolder:
    """Holds a folder for one run from its first shard to its last; use it as a context manager.

    Attributes
    ----------
    token: a word in the progress file that tells this folder from another one of the same name.

    Raises
    ------
    ValueError
        When there is something already and neither ``resume`` nor ``overwrite`` was asked for,
        when an interrupted run had other settings, or when another process is writing there.
    """

    def __init__(self, plan: ShardPlan) -> None:
        self.plan = plan
        self.token = uuid.uuid4().hex
        self.progress = plan.folder / PROGRESS
        self._stack = ExitStack()

    def __enter__(self) -> ShardFolder:
        plan = self.plan
        with ExitStack() as stack:
            stack.enter_context(sole_writer(plan.folder / NAME_OF_ALL))
            if plan.output.overwrite:
                hidden = plan.folder.glob(f".{NAME_OF_ALL}*{PROGRESS_SUFFIX}")
                for old in [*plan.folder.glob(FILES), plan.folder / NAME, *hidden]:
                    old.unlink(missing_ok=True)
            self._require_mine()
            self._sweep()
            write_json(self.progress, {"settings": plan.settings(), "token": self.token})
            self._stack = stack.pop_all()
        return self

    def _require_mine(self) -> None:
        folder = self.plan.folder
        for other in folder.glob(f".{NAME_OF_ALL}*{PROGRESS_SUFFIX}"):
            if other != self.progress:
                raise ValueError(
                    f"{folder} holds a part of an interrupted run without Ray; go on with it as "
                    "it was begun, or --overwrite to start anew"
                )
        if not self.plan.output.resume:
            if self.progress.exists():
                raise ValueError(
                    f"{folder} holds a part of an interrupted run; --resume goes on with it, "
                    "--overwrite starts anew"
                )
            if there := next(folder.glob(FILES), None):
                raise ValueError(
                    f"{there} exists already; --overwrite makes it anew, --resume keeps it"
                )
        if not self.progress.exists():
            return
        try:
            there = json.loads(self.progress.read_text(encoding="utf-8"))["settings"]
            mine = json.loads(json.dumps(self.plan.settings()))
            differ = sorted(key for key in {*there, *mine} if there.get(key) != mine.get(key))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{self.progress}: not readable ({error}); --overwrite starts anew"
            ) from error
        if differ:
            raise ValueError(
                f"{folder}: the interrupted run had other settings ({', '.join(differ)}); give "
                "the same, or --overwrite to start anew"
            )

    def _sweep(self) -> None:
        """Remove what workers that were killed have left."""
        for left in self.plan.folder.glob(f".{NAME_OF_ALL}*{PARTIAL_SUFFIX}"):
            left.unlink(missing_ok=True)

    def finish(self, skipped: int) -> Manifest:
        """Write the folder's manifest: all shards are there.

        Parameters
        ----------
        skipped: bad records that the collection was read without.

        Raises ValueError where a shard is missing.
        """
        missing = sorted(set(range(self.plan.shards)) - self.plan.finished().keys())
        if missing:
            raise ValueError(
                f"{self.plan.path(missing[0])}: not there, though it was encoded; was it removed, "
                "or does another machine mean another folder by this name?"
            )
        manifest = self.plan.whole({**folder_counts(self.plan.folder), "skipped": skipped})
        write_manifest(self.plan.folder, manifest)
        self._sweep()
        self.progress.unlink(missing_ok=True)
        return manifest

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()
        if isinstance(error, KeyboardInterrupt):
            error.add_note(HOW_TO_RESUME)
