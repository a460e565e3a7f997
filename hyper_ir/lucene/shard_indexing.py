"""A collection into several Lucene indexes in one folder, to be searched as one or far apart.

While they are made they stand in ``.INDEX.shards.partial`` beside the folder to make. A shard that
is finished stays there when the work is interrupted, and is not made again.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from hyper_ir.data.records import Passage
from hyper_ir.files import PARTIAL_SUFFIX, atomic_directory
from hyper_ir.locking import sole_writer
from hyper_ir.lucene.impact_indexing import ImpactIndexing, documents_in, require_all
from hyper_ir.lucene.impact_writer import complaint
from hyper_ir.lucene.indexing import (
    Storage,
    TextAnalysis,
    bm25_flags,
    bm25_manifest,
    check_target,
    is_index,
    origin_of,
    run_indexing,
    size_of,
)
from hyper_ir.lucene.java import Java
from hyper_ir.lucene.shard_staging import Dealt, deal_passages, deal_vectors
from hyper_ir.lucene.shards import MOST, RULE, Shard, record, shard_names
from hyper_ir.lucene.staging import good_vectors, require_sparse_and_whole, too_long_a_text
from hyper_ir.manifest import Manifest, read_manifest, write_manifest
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

Beside = Callable[[Path], object] | None

TEXTS = "texts"
"""What the shards are made of, inside the folder where they are made."""


def build_impact_shards(
    vectors: str | os.PathLike[str],
    index: str | os.PathLike[str],
    shards: int,
    *,
    threads: int = 1,
    optimize: bool = False,
    storage: Storage | None = None,
    overwrite: bool = False,
    problems: Problems | None = None,
    progress: bool = True,
) -> Manifest:
    """Index vectors as ``shards`` impact indexes, ``INDEX/shard-00`` and on.

    Every vector is read and checked once; as much disk again is needed while this runs. The rest
    is as in :func:`hyper_ir.lucene.indexing.build_impact_index`. The same call after an
    interruption keeps the shards that were finished, unless the vectors have changed.

    Raises ValueError as that function does, and where a shard would be empty.
    """
    vectors, index = Path(vectors), Path(index)
    problems = problems if problems is not None else Problems()
    java = _check(index, shards, threads, overwrite)
    how = ImpactIndexing(java, threads, optimize, storage or Storage(), progress)
    origin = origin_of(vectors)
    require_sparse_and_whole(vectors, origin)

    def deal(folder: Path) -> Dealt:
        good = good_vectors(
            vectors,
            problems,
            progress,
            too_long_a_text if how.by_anserini else complaint,
            documents_in(origin),
        )
        dealt = deal_vectors(good, folder, shards, threads if how.by_anserini else 1)
        require_all(vectors, origin, sum(dealt.documents), problems)
        return dealt

    work = _Work(index, how.make, how.manifest(vectors, origin), overwrite, progress)
    return work.make(deal, lambda: problems.count)


def build_bm25_shards(
    corpus: Iterable[Passage],
    index: str | os.PathLike[str],
    shards: int,
    *,
    analysis: TextAnalysis | None = None,
    threads: int = 1,
    optimize: bool = False,
    storage: Storage | None = None,
    overwrite: bool = False,
    problems: Problems | None = None,
    progress: bool = True,
) -> Manifest:
    """Index texts as ``shards`` BM25 indexes, ``INDEX/shard-00`` and on.

    BM25 scores by the statistics of what is searched together: these shards are one index where
    they are searched together, and not where each is searched alone. The rest is as in
    :func:`build_impact_shards` and :func:`hyper_ir.lucene.indexing.build_bm25_index`.
    """
    index = Path(index)
    analysis, storage = analysis or TextAnalysis(), storage or Storage()
    java = _check(index, shards, threads, overwrite)
    manifest = bm25_manifest(corpus, analysis, java, optimize, storage)
    flags = bm25_flags(analysis, threads, optimize, storage)

    def make(source: Path, index: Path, manifest: Manifest, log: Path, beside: Beside) -> Manifest:
        return run_indexing(java, source, index, flags, manifest, False, progress, log, beside)

    work = _Work(index, make, manifest, overwrite, progress)
    return work.make(
        lambda folder: deal_passages(corpus, folder, shards, threads, size_of(corpus), progress),
        lambda: problems.count if problems is not None else 0,
    )


def _check(index: Path, shards: int, threads: int, overwrite: bool) -> Java:
    if not 1 <= shards <= MOST:
        raise ValueError(f"shards: from 1 to {MOST:,}, not {shards}")
    return check_target(index, threads, overwrite)


@dataclass(frozen=True)
class _Work:
    """The making of a folder of shards.

    Attributes
    ----------
    index: the folder to make.
    make_shard: indexes what was dealt to a shard: source, target, manifest, log, and what else to
        put into the folder.
    manifest: of the folder, but for what the collection tells.
    """

    index: Path
    make_shard: Callable[[Path, Path, Manifest, Path, Beside], Manifest]
    manifest: Manifest
    overwrite: bool
    progress: bool

    @property
    def place(self) -> Path:
        """Where the shards are made."""
        return self.index.with_name(f".{self.index.name}.shards{PARTIAL_SUFFIX}")

    def make(self, deal: Callable[[Path], Dealt], skipped: Callable[[], int]) -> Manifest:
        """Deal the collection out, index shard by shard, and give all their name."""
        with sole_writer(self.index):
            texts = self.place / TEXTS
            shutil.rmtree(texts, ignore_errors=True)  # of a killed process
            try:
                texts.mkdir(parents=True)
                dealt = deal(texts)
                names = shard_names(len(dealt.documents))
                self._keep_finished(names, dealt)
                for number, name in enumerate(names):
                    self._make_shard(number, name, dealt)
                    shutil.rmtree(texts / name)
                return self._finish(names, dealt, skipped())
            finally:
                shutil.rmtree(texts, ignore_errors=True)
                if self.place.is_dir() and not any(self.place.iterdir()):
                    self.place.rmdir()

    def _shard_manifest(self, number: int, dealt: Dealt) -> Manifest:
        """A shard's own: what it was made of holds the other shards' documents too."""
        shard = Shard(number, len(dealt.documents), dealt.collection)
        return replace(
            self.manifest,
            config=self.manifest.config | record(shard),
            inputs={f"shard_of_{name}": value for name, value in self.manifest.inputs.items()},
            counts={"documents": dealt.documents[number]},
        )

    def _keep_finished(self, names: list[str], dealt: Dealt) -> None:
        """Remove what an earlier call left unless it is a shard that this one would make."""
        wanted = {name: self._shard_manifest(number, dealt) for number, name in enumerate(names)}
        kept = 0
        for path in self.place.iterdir():
            if path.name == TEXTS:
                continue
            if is_index(path) and read_manifest(path) == wanted.get(path.name):
                kept += 1
            else:
                shutil.rmtree(path)
        if kept:
            shards = counted(kept, "shard is", "shards are")
            print(f"notice: {shards} finished already, of {len(names)}", file=sys.stderr)

    def _make_shard(self, number: int, name: str, dealt: Dealt) -> None:
        target = self.place / name
        if target.is_dir():
            return
        if self.progress:
            print(f"shard {number + 1} of {len(dealt.documents)}", file=sys.stderr)
        source = self.place / TEXTS / name
        manifest = self._shard_manifest(number, dealt)
        log = self.index.with_name(f"{self.index.name}.{name}.log")
        extra = dealt.statistics().write if dealt.frequencies else None
        self.make_shard(source, target, manifest, log, extra)

    def _finish(self, names: list[str], dealt: Dealt, skipped: int) -> Manifest:
        config = {"shards": names, "rule": RULE, "collection": dealt.collection}
        manifest = replace(
            self.manifest,
            config=self.manifest.config | config,
            counts={"documents": sum(dealt.documents), "skipped": skipped},
        )
        with atomic_directory(self.index, replace=self.overwrite) as partial:
            for name in names:
                os.replace(self.place / name, partial / name)
            write_manifest(partial, manifest)
        return manifest
