"""Lucene indexes of texts for BM25, with a manifest inside; what all indexing needs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from hyper_ir.data.records import Passage
from hyper_ir.files import PARTIAL_SUFFIX, atomic_directory, require_writable_folder
from hyper_ir.locking import partial_folder
from hyper_ir.lucene.index_collection import index_collection
from hyper_ir.lucene.java import Java, anserini_jar, find_java
from hyper_ir.lucene.shards import is_sharded
from hyper_ir.lucene.staging import stage_passages
from hyper_ir.manifest import Manifest, read_manifest, write_manifest
from hyper_ir.problems import Problems

Stemmer = Literal["porter", "krovetz", "none"]


@dataclass(frozen=True, slots=True)
class TextAnalysis:
    """How texts become terms; queries must be treated as the documents were.

    Attributes
    ----------
    language: ISO 639 code of one of Lucene's analysers (``en``, ``de``, ``zh``, …).
    stemmer: for English; Anserini's default is Porter's.
    keep_stopwords: index Lucene's English stop words too.
    pretokenized: cut at white space and change nothing.
    """

    language: str = "en"
    stemmer: Stemmer = "porter"
    keep_stopwords: bool = False
    pretokenized: bool = False

    def __post_init__(self) -> None:
        if self.stemmer not in get_args(Stemmer):
            raise ValueError(f"stemmer: {self.stemmer!r} is none of {', '.join(get_args(Stemmer))}")
        changed = self.stemmer != "porter" or self.keep_stopwords
        if changed and self.language != "en":
            raise ValueError("stemmer and keep_stopwords are for English (language en)")
        if changed and self.pretokenized:
            raise ValueError("pretokenized texts are neither stemmed nor stopped")


@dataclass(frozen=True, slots=True)
class Storage:
    """What an index keeps besides the terms; each makes it larger.

    Attributes
    ----------
    contents: the text, to show it with a hit.
    raw: the JSON record it came from.
    positions: where terms stand, for phrase queries.
    docvectors: the terms of each document, for relevance feedback.
    """

    contents: bool = False
    raw: bool = False
    positions: bool = False
    docvectors: bool = False

    def flags(self) -> list[str]:
        """Anserini's switches."""
        return [f"-store{name.capitalize()}" for name, on in asdict(self).items() if on]


def is_index(path: str | os.PathLike[str]) -> bool:
    """Whether the folder holds a Lucene index."""
    return Path(path).is_dir() and any(Path(path).glob("segments_*"))


def require_index(path: str | os.PathLike[str]) -> Path:
    """Return ``path`` as a Path; raise ValueError unless it is a Lucene index."""
    path = Path(path)
    if not path.exists():
        raise ValueError(f"index: {path} does not exist; python -m hyper_ir.index makes one")
    if not is_index(path):
        raise ValueError(f"index: {path} is no Lucene index (it holds no file segments_…)")
    return path


def build_bm25_index(
    corpus: Iterable[Passage],
    index: str | os.PathLike[str],
    *,
    analysis: TextAnalysis | None = None,
    threads: int = 1,
    optimize: bool = False,
    storage: Storage | None = None,
    overwrite: bool = False,
    problems: Problems | None = None,
    progress: bool = True,
) -> Manifest:
    """Index texts (a ``Corpus`` or any passages; fields joined by line feeds) for BM25.

    The texts are written beside the index first, as Anserini's JsonCollection, which needs as
    much disk again for as long as it runs. ``problems`` is the corpus's, for the count in the
    manifest. Returns the manifest; raises ValueError as ``build_impact_index`` does.
    """
    index = Path(index)
    analysis, storage = analysis or TextAnalysis(), storage or Storage()
    java = check_target(index, threads, overwrite)
    with workplace(index) as folder:
        documents = stage_passages(corpus, folder, threads, size_of(corpus), progress)
        manifest = bm25_manifest(corpus, analysis, java, optimize, storage)
        skipped = problems.count if problems is not None else 0
        manifest.counts.update(documents=documents, skipped=skipped)
        flags = bm25_flags(analysis, threads, optimize, storage)
        return run_indexing(java, folder, index, flags, manifest, overwrite, progress)


def check_target(index: Path, threads: int, overwrite: bool) -> Java:
    """Everything that can be known before the first text is read; the Java to index with."""
    if threads < 1:
        raise ValueError(f"threads: at least 1 is needed, not {threads}")
    if index.exists() and not overwrite:
        raise ValueError(f"index: {index} exists already; give another name, or overwrite it")
    empty = index.is_dir() and not any(index.iterdir())
    if index.exists() and not (is_index(index) or is_sharded(index) or empty):
        raise ValueError(f"index: {index} is no Lucene index; it will not be overwritten")
    require_writable_folder(index, "index")
    anserini_jar()
    return find_java()


def origin_of(vectors: Path) -> Manifest | None:
    """The manifest of what shall be indexed; ValueError where it is not that of vectors."""
    origin = read_manifest(vectors) if vectors.exists() else None
    if origin is not None and origin.kind != "vectors":
        raise ValueError(f"vectors: {vectors} is a folder of kind {origin.kind!r}, not vectors")
    return origin


def size_of(corpus: Iterable[Passage]) -> int | None:
    """How many passages the corpus says it has, where it says it."""
    size_hint = getattr(corpus, "size_hint", None)
    return size_hint() if size_hint is not None else None


@contextmanager
def workplace(index: Path) -> Iterator[Path]:
    """A folder beside the index, on the same disk, for what Anserini reads; gone in the end.

    Raises ValueError where another process is making the index.
    """
    place = index.with_name(f".{index.name}.texts{PARTIAL_SUFFIX}")
    with partial_folder(place, index) as folder:
        yield folder


def bm25_flags(analysis: TextAnalysis, threads: int, optimize: bool, storage: Storage) -> list[str]:
    """What tells Anserini to index texts."""
    flags = ["-collection", "JsonCollection", "-language", analysis.language]
    flags += ["-stemmer", analysis.stemmer, *common_flags(threads, optimize, storage)]
    flags += ["-keepStopwords"] if analysis.keep_stopwords else []
    return flags + (["-pretokenized"] if analysis.pretokenized else [])


def common_flags(threads: int, optimize: bool, storage: Storage) -> list[str]:
    """What tells Anserini how to index, whatever it indexes."""
    flags = ["-generator", "DefaultLuceneDocumentGenerator", "-threads", str(threads)]
    return flags + storage.flags() + (["-optimize"] if optimize else [])


def bm25_manifest(
    corpus: Iterable[Passage],
    analysis: TextAnalysis,
    java: Java,
    optimize: bool,
    storage: Storage,
) -> Manifest:
    """That of an index of texts; no counts."""
    describe = getattr(corpus, "describe", None)
    config = {"impact": False, "optimize": optimize, "store": asdict(storage)}
    return Manifest(
        kind="index",
        config=config | {"analysis": asdict(analysis)} | versions(java),
        inputs={"corpus": describe() if describe is not None else type(corpus).__name__},
    )


def run_indexing(
    java: Java,
    source: Path,
    index: Path,
    flags: list[str],
    manifest: Manifest,
    overwrite: bool,
    progress: bool,
    log: Path | None = None,
    beside: Callable[[Path], object] | None = None,
) -> Manifest:
    """Index the folder ``source`` aside and give the result its name; return the manifest.

    ``log`` is where Lucene's is kept when it is worth a look; ``beside`` puts more into the folder.
    """
    log = log or index.with_name(index.name + ".log")
    with atomic_directory(index, replace=overwrite) as partial:
        arguments = ["-input", str(source), "-index", str(partial), *flags]
        index_collection(java, arguments, manifest.counts["documents"], log, progress)
        if beside is not None:
            beside(partial)
        write_manifest(partial, manifest)
    return manifest


def versions(java: Java) -> dict[str, Any]:
    """What a manifest's configuration says of the programs."""
    return {"anserini": anserini_jar().name, "java": java.version}
