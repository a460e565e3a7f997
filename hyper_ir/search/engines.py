"""Which engine answers impact queries: Lucene where there is a Java, else the exact searcher.

Milvus answers where it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args

from hyper_ir.data.records import Hit
from hyper_ir.data.vectors import vector_files
from hyper_ir.lucene.indexing import is_index
from hyper_ir.lucene.java import find_java
from hyper_ir.lucene.opening import Indexes, Source, described, find_indexes, sources
from hyper_ir.lucene.queries import Vector
from hyper_ir.lucene.searching import is_impact
from hyper_ir.lucene.shards import Shard, is_sharded
from hyper_ir.manifest import Manifest, read_manifest
from hyper_ir.problems import Problems
from hyper_ir.wording import counted

Engine = Literal["auto", "lucene", "exact", "milvus"]

_CURE = "index them anew, or give the vectors themselves as --index"


class ImpactEngine(Protocol):
    """What ``ImpactSearcher``, ``ExactSearcher`` and ``MilvusSearcher`` have in common."""

    manifest: Manifest | None
    documents: int

    def knows(self, token: str) -> bool:
        """Whether any document has the token."""

    def idf(self, token: str) -> float | None:
        """``ln(documents / documents with the token)``; None where no document has it."""

    def search(
        self, queries: Sequence[tuple[str, Vector]], hits: int, threads: int = 1
    ) -> dict[str, list[Hit]]:
        """The best hits of every query, by its id."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An engine and what it reads, known to exist.

    Attributes
    ----------
    engine: ``"lucene"``, ``"exact"`` or ``"milvus"``.
    path: a Lucene index (the first of several), a file or folder of vectors, or a collection.
    why: said when the choice may surprise; else empty.
    manifest: of what was asked for: the index, the vectors, or the collection.
    index: all Lucene indexes, where there are several.
    shards: which shards of a collection these are.
    uri: where Milvus is.
    """

    engine: Literal["lucene", "exact", "milvus"]
    path: Path
    why: str
    manifest: Manifest | None
    index: Source | None = None
    shards: tuple[Shard, ...] = ()
    uri: str | None = None

    def open(
        self, min_idf: float, progress: bool = True, problems: Problems | None = None
    ) -> ImpactEngine:
        """Start the engine: seconds for Lucene, a pass over the vectors for the exact one.

        ``problems`` is told of bad vectors. Raises ValueError where an index's vectors are not as
        many as the index has.
        """
        if self.engine == "lucene":
            from hyper_ir.lucene.searching import ImpactSearcher

            return ImpactSearcher(self.path if self.index is None else self.index, min_idf=min_idf)
        if self.engine == "milvus":
            from hyper_ir.search.milvus import MilvusSearcher

            return MilvusSearcher(str(self.path), self.uri, min_idf=min_idf)
        from hyper_ir.search.exact import ExactSearcher

        searcher = ExactSearcher.from_files(
            self.path, min_idf=min_idf, problems=problems, progress=progress
        )
        if self.manifest is not None and self.manifest.kind == "index":
            expected = self.manifest.counts.get("documents", searcher.documents)
            if searcher.documents != expected:
                raise ValueError(
                    f"index: {self.path} holds {counted(searcher.documents, 'document')}, the "
                    f"index that was made of it {expected:,}; {_CURE}"
                )
        return searcher


def plan(index: Source, engine: Engine = "auto", uri: str | None = None) -> Plan:
    """Choose the engine for an impact index, or for vectors, without opening anything.

    ``index`` is an index, a folder of shards, several of either for Lucene, a file or folder of
    vectors, or the name of a collection of the Milvus at ``uri``.

    ``auto`` takes Lucene for an index where a Java is found; the exact searcher for vectors, and
    for an index without Java whose manifest names vectors that are still there. Raises
    ValueError where the wished engine cannot read what stands at ``index``.
    """
    paths = sources(index)
    if engine not in get_args(Engine):
        raise ValueError(f"engine: {engine!r} is none of {', '.join(get_args(Engine))}")
    if engine == "milvus":
        return _plan_milvus(paths, uri)
    for path in paths:
        if not path.exists():
            raise ValueError(f"index: {path} does not exist; python -m hyper_ir.index makes one")
    path = paths[0]
    if len(paths) == 1 and not is_index(path) and not is_sharded(path):
        return _plan_vectors(path, engine)
    return _plan_indexes(paths, find_indexes(paths), engine)


def _plan_indexes(paths: Sequence[Path], indexes: Indexes, engine: Engine) -> Plan:
    path, manifest = paths[0], indexes.manifest
    if manifest is not None and not is_impact(manifest):
        raise ValueError(f"index: {path} holds texts, not impacts; search it with --bm25")
    if engine == "exact":
        return Plan("exact", _vectors_of(paths, manifest), "", manifest)
    try:
        find_java()
    except ValueError as error:
        if engine == "lucene":
            raise
        vectors = _or_else(lambda: _vectors_of(paths, manifest), error)
        return Plan("exact", vectors, f"searching {vectors} without Lucene: {error}", manifest)
    why = ""
    if indexes.partial:
        why = f"searching {described(indexes)}; python -m hyper_ir.merge joins runs of all shards"
    return Plan(
        "lucene",
        path,
        why,
        manifest,
        tuple(paths),
        indexes.shards,
    )


def _plan_milvus(names: Sequence[Path], uri: str | None) -> Plan:
    from hyper_ir.export.milvus_collection import manifest_of

    if len(names) > 1:
        raise ValueError("index: Milvus searches one collection; give its name alone")
    return Plan("milvus", names[0], "", manifest_of(str(names[0]), uri), uri=uri)


def _plan_vectors(path: Path, engine: Engine) -> Plan:
    try:
        vector_files(path)
    except ValueError as error:
        raise ValueError(f"index: {path} is no Lucene index and holds no vectors") from error
    if engine == "lucene":
        raise ValueError(
            f"index: {path} holds vectors, no Lucene index; python -m hyper_ir.index --impact "
            f"--input {path} makes one"
        )
    why = "" if engine == "exact" else f"searching the vectors of {path} without Lucene"
    return Plan("exact", path, why, read_manifest(path))


def _vectors_of(indexes: Sequence[Path], manifest: Manifest | None) -> Path:
    if len(indexes) > 1:
        raise ValueError(
            "index: the exact engine reads one file or folder of vectors; give it alone as --index"
        )
    index = indexes[0]
    named = manifest.inputs.get("vectors") if manifest is not None else None
    if manifest is None or not isinstance(named, str) or not Path(named).exists():
        where = f"{named} is gone" if named else "its manifest names none"
        raise ValueError(
            f"index: the exact engine needs the vectors of {index}, and {where}; "
            "give the vectors themselves as --index"
        )
    _require_same(index, manifest, Path(named))
    return Path(named)


def _require_same(index: Path, manifest: Manifest, vectors: Path) -> None:
    """Raise ValueError where other vectors stand by now in the place of an index's own."""
    present = read_manifest(vectors) or Manifest("vectors")
    mine, theirs = _traits(manifest), _traits(present)
    differing = [name for name, trait in mine.items() if trait != theirs[name]]
    documents, found = manifest.counts.get("documents"), present.counts.get("documents")
    if None not in (documents, found) and documents != found:
        differing.append("number of documents")
    if differing:
        raise ValueError(
            f"index: {vectors} no longer holds the vectors that {index} was made of, but those "
            f"of another {' and '.join(differing)}; {_CURE}"
        )


def _traits(manifest: Manifest) -> dict[str, object]:
    """What an index has inherited from its vectors; a model is its weights, whatever its name."""
    return {
        "model": manifest.model.get("sha256", manifest.model),
        "vocabulary": manifest.vocabulary,
        "quantiser": manifest.quantiser,
    }


def _or_else(attempt: Callable[[], Path], first: ValueError) -> Path:
    try:
        return attempt()
    except ValueError as second:
        raise ValueError(f"{first}; {second}") from second
