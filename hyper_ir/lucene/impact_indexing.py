"""Lucene indexes of sparse vectors, with a manifest inside."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from hyper_ir.data.vectors import read_vectors
from hyper_ir.files import atomic_directory
from hyper_ir.locking import sole_writer
from hyper_ir.lucene.impact_writer import complaint, write_impacts
from hyper_ir.lucene.indexing import (
    Storage,
    check_target,
    common_flags,
    origin_of,
    run_indexing,
    versions,
    workplace,
)
from hyper_ir.lucene.java import Java
from hyper_ir.lucene.staging import good_vectors, require_sparse_and_whole, stage_vectors
from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.problems import Problems
from hyper_ir.wording import counted


@dataclass(frozen=True)
class ImpactIndexing:
    """How vectors become an index.

    Attributes
    ----------
    java: that of Anserini, where it does the work.
    threads: of Anserini's, where it does the work; otherwise one reads and one writes.
    optimize: merge all segments into one.
    storage: what else to keep. Anserini does the work for any of it: it keeps the text that it
        writes a vector out as.
    progress: show it on stderr.
    """

    java: Java
    threads: int
    optimize: bool
    storage: Storage
    progress: bool

    @property
    def by_anserini(self) -> bool:
        """Whether vectors have to be written out as text."""
        return self.storage != Storage()

    def flags(self) -> list[str]:
        """What tells Anserini to index vectors."""
        flags = ["-collection", "JsonVectorCollection", "-impact", "-pretokenized"]
        return flags + common_flags(self.threads, self.optimize, self.storage)

    def manifest(self, vectors: Path, origin: Manifest | None) -> Manifest:
        """That of the index, which inherits model, vocabulary and quantiser; no counts."""
        config = {"impact": True, "optimize": self.optimize, "store": asdict(self.storage)}
        return Manifest(
            kind="index",
            model=origin.model if origin is not None else {},
            vocabulary=origin.vocabulary if origin is not None else "",
            quantiser=origin.quantiser if origin is not None else {},
            config=config | versions(self.java),
            inputs={"vectors": str(vectors.resolve())},
        )

    def make(
        self,
        source: Path,
        index: Path,
        manifest: Manifest,
        log: Path,
        beside: Callable[[Path], object] | None = None,
    ) -> Manifest:
        """Index a folder of vectors that were read already, as many as the manifest counts.

        The rest as in :func:`hyper_ir.lucene.indexing.run_indexing`.
        """
        if self.by_anserini:
            flags = self.flags()
            return run_indexing(
                self.java, source, index, flags, manifest, False, self.progress, log, beside
            )
        with atomic_directory(index) as partial:
            vectors = good_vectors(source, Problems(), self.progress, complaint)
            found = write_impacts(vectors, partial, self.optimize, f"index {index}")
            if found != manifest.counts["documents"]:
                raise ValueError(f"{source} was changed while it was indexed; do it again")
            if beside is not None:
                beside(partial)
            write_manifest(partial, manifest)
        return manifest


def build_impact_index(
    vectors: str | os.PathLike[str],
    index: str | os.PathLike[str],
    *,
    threads: int = 1,
    optimize: bool = False,
    storage: Storage | None = None,
    overwrite: bool = False,
    problems: Problems | None = None,
    progress: bool = True,
) -> Manifest:
    """Index a file or folder of sparse vectors (Anserini JSONL) as impacts.

    The index appears whole or not at all, with a manifest that has inherited model, vocabulary and
    quantiser. Returns that manifest. Every vector is read and checked on the way; with ``storage``,
    Anserini reads them, and those whose manifest tells their number are taken as they are.

    Raises ValueError for bad vectors, an ``index`` that exists (unless ``overwrite``; a folder
    that is no index is never replaced), no Java, and when Lucene did not index every document.
    """
    vectors, index = Path(vectors), Path(index)
    problems = problems if problems is not None else Problems()
    java = check_target(index, threads, overwrite)
    work = ImpactIndexing(java, threads, optimize, storage or Storage(), progress)
    origin = origin_of(vectors)
    manifest = work.manifest(vectors, origin)
    if work.by_anserini:
        return _by_anserini(work, vectors, index, origin, manifest, overwrite, problems)
    require_sparse_and_whole(vectors, origin)
    with sole_writer(index), atomic_directory(index, replace=overwrite) as partial:
        good = good_vectors(vectors, problems, progress, complaint, documents_in(origin))
        documents = write_impacts(good, partial, optimize, f"index {index}")
        require_all(vectors, origin, documents, problems)
        manifest.counts.update(documents=documents, skipped=problems.count)
        write_manifest(partial, manifest)
    return manifest


def _by_anserini(
    work: ImpactIndexing,
    vectors: Path,
    index: Path,
    origin: Manifest | None,
    manifest: Manifest,
    overwrite: bool,
    problems: Problems,
) -> Manifest:
    with workplace(index) as folder:
        documents = stage_vectors(vectors, folder, origin, problems, work.progress)
        manifest.counts.update(documents=documents, skipped=problems.count)
        with place_named(vectors, problems):
            return run_indexing(
                work.java, folder, index, work.flags(), manifest, overwrite, work.progress
            )


@contextmanager
def place_named(vectors: Path, problems: Problems) -> Iterator[None]:
    """Where Lucene failed on vectors that nobody had read before, name the record that is bad."""
    try:
        yield
    except ValueError:
        if not problems.count:
            for _ in read_vectors(vectors):
                pass
        raise


def documents_in(origin: Manifest | None) -> int | None:
    """How many documents a manifest counts, where it does."""
    return origin.counts.get("documents") if origin is not None else None


def require_all(source: Path, origin: Manifest | None, found: int, problems: Problems) -> None:
    """Raise ValueError where vectors are fewer, or more, than their manifest says."""
    promised = documents_in(origin)
    if promised is not None and found != promised and not problems.count:
        raise ValueError(
            f"vectors: {source} holds {counted(found, 'document')}, but its manifest says "
            f"{promised:,}: it was damaged or changed; encode it anew"
        )
