"""One Lucene index or several, opened as one.

Lucene reads several indexes as one (``MultiReader``): it counts documents, lengths and frequencies
over all of them and ranks all documents together. So scores, order and ties are those of one index
of all documents, for BM25 as for impacts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyper_ir.lucene.indexing import require_index
from hyper_ir.lucene.pyserini_api import Pyserini
from hyper_ir.lucene.shards import Frequencies, Shard, is_sharded, shard_folders, shard_in
from hyper_ir.manifest import Manifest, model_name, read_manifest
from hyper_ir.wording import counted

Source = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""An index, a folder of shards, or several of either."""

_CONTENTS = "contents"
_READER = "org.apache.lucene.index.IndexReader"


def sources(index: Source) -> list[Path]:
    """The paths that were given; ValueError for none."""
    given = [index] if isinstance(index, str | os.PathLike) else list(index)
    if not given:
        raise ValueError("index: none is given")
    return [Path(each) for each in given]


@dataclass(frozen=True, slots=True)
class Indexes:
    """Indexes that can be searched as one.

    Attributes
    ----------
    paths: of all, shards one by one.
    manifest: what they have in common; None where none of them has one.
    shards: which shards they are; empty for indexes that are whole by themselves.
    """

    paths: tuple[Path, ...]
    manifest: Manifest | None
    shards: tuple[Shard, ...]

    @property
    def partial(self) -> bool:
        """Whether these are some shards of a collection, and others are elsewhere."""
        return bool(self.shards) and len(self.shards) < self.shards[0].of

    def frequencies(self) -> Frequencies | None:
        """The whole collection's, where these are only a part of it and hold impacts."""
        if not self.partial or not _is_impact(self.manifest):
            return None
        return Frequencies.read(self.paths[0], self.shards[0].collection)


def find_indexes(index: Source) -> Indexes:
    """Look at indexes without opening them.

    Raises ValueError for what is no index, one that is given twice, a folder of shards that lacks
    one, indexes of different models, vocabularies, quantisers or text analyses, and shards of
    different collections of which some are not there.
    """
    given = sources(index)
    paths = [each for path in given for each in _expanded(path)]
    for place, path in enumerate(paths):
        if any(path.resolve() == other.resolve() for other in paths[:place]):
            raise ValueError(f"index: {path} is given twice")
    manifests = [read_manifest(path) for path in paths]
    _require_alike(paths, manifests)
    shards = _shards(paths, manifests)
    whole = read_manifest(given[0]) if len(given) == 1 else _common(manifests)
    return Indexes(tuple(paths), whole, shards)


def _expanded(path: Path) -> list[Path]:
    return shard_folders(path) if is_sharded(path) else [require_index(path)]


def _require_alike(paths: Sequence[Path], manifests: Sequence[Manifest | None]) -> None:
    known = [(path, each) for path, each in zip(paths, manifests, strict=True) if each is not None]
    for path, manifest in known[1:]:
        first, other = known[0]
        mine, theirs = _traits(manifest), _traits(other)
        differing = [name for name, trait in mine.items() if trait != theirs[name]]
        if differing:
            raise ValueError(
                f"index: {path} ({_maker(manifest)}) is of another {' and '.join(differing)} than "
                f"{first} ({_maker(other)}); their scores cannot be compared"
            )


def _traits(manifest: Manifest) -> dict[str, object]:
    """In what indexes must agree; a model is its weights, whatever its name."""
    return {
        "kind": _is_impact(manifest),
        "model": manifest.model.get("sha256", manifest.model),
        "vocabulary": manifest.vocabulary,
        "quantiser": manifest.quantiser,
        "text analysis": manifest.config.get("analysis"),
    }


def _maker(manifest: Manifest) -> str:
    return model_name(manifest) if _is_impact(manifest) else "texts"


def _is_impact(manifest: Manifest | None) -> bool:
    return manifest is not None and bool(manifest.config.get("impact"))


def _shards(paths: Sequence[Path], manifests: Sequence[Manifest | None]) -> tuple[Shard, ...]:
    """The shards, in order, where the indexes are shards of one collection."""
    found = [shard_in(manifest) for manifest in manifests]
    by_collection: dict[str, dict[int, Path]] = {}
    for path, shard in zip(paths, found, strict=True):
        if shard is None:
            continue
        numbers = by_collection.setdefault(shard.collection, {})
        if shard.number in numbers:
            raise ValueError(f"index: {path} and {numbers[shard.number]} are both {shard}")
        numbers[shard.number] = path
    if all(found) and len(by_collection) == 1:
        return tuple(sorted((each for each in found if each), key=lambda each: each.number))
    for shard in found:
        if shard is not None and len(by_collection[shard.collection]) < shard.of:
            path = next(iter(by_collection[shard.collection].values()))
            missing = min(set(range(shard.of)) - set(by_collection[shard.collection]))
            raise ValueError(
                f"index: {path} is a shard of a collection whose shard {missing} is not given; "
                "beside other indexes all its shards are needed"
            )
    return ()


def _common(manifests: Sequence[Manifest | None]) -> Manifest | None:
    """What the manifests of several indexes say together."""
    known = [manifest for manifest in manifests if manifest is not None]
    if not known:
        return None
    first = known[0]
    told = ("impact", "analysis")
    kept: dict[str, Any] = {name: first.config[name] for name in told if name in first.config}
    counts = [each.counts.get("documents", 0) for each in known]
    return Manifest(
        "index",
        model=first.model,
        vocabulary=first.vocabulary,
        quantiser=first.quantiser,
        config=kept,
        counts={"documents": sum(counts)} if len(known) == len(manifests) else {},
    )


def read_as_one(searcher: Any, paths: Sequence[Path], pyserini: Pyserini) -> None:
    """Let Anserini's searcher, which has opened ``paths[0]``, search all of ``paths`` as one.

    Anserini's own constructor opens one folder; what it holds is replaced here.
    """
    from jnius import cast

    open_folder = pyserini.autoclass("org.apache.lucene.store.FSDirectory").open
    open_index = pyserini.autoclass("org.apache.lucene.index.DirectoryReader").open
    to_path = pyserini.autoclass("java.nio.file.Paths").get
    readers = [
        cast(_READER, open_index(open_folder(to_path(os.fspath(path.resolve()))))) for path in paths
    ]
    searcher.reader.close()
    together = pyserini.autoclass("org.apache.lucene.index.MultiReader")
    _set(searcher, "reader", together(readers, True), pyserini)  # closing it closes all
    _set(searcher, "searcher", None, pyserini)  # it may have made one already, over the first


def _set(searcher: Any, name: str, value: Any, pyserini: Pyserini) -> None:
    """Set a field of a Java object through Java's reflection.

    pyjnius' own assignment to a field that holds an object destroys a reference of the JVM, which
    crashes some time later. Its own class of fields, in turn, has no ``set``: hence the second one.
    """
    from jnius import cast

    held = pyserini.autoclass("java.lang.Class").forName(_class_of(searcher))
    settable = pyserini.autoclass("java.lang.reflect.Field", include_private=False)
    found = cast(settable, held.getDeclaredField(name))
    found.setAccessible(True)
    found.set(searcher, value)


def _class_of(searcher: Any) -> str:
    return str(searcher.__javaclass__).replace("/", ".")


def document_frequency(searcher: Any, pyserini: Pyserini) -> Callable[[str], int]:
    """A function from a token to the number of documents that have it, over all indexes."""
    term = pyserini.autoclass("org.apache.lucene.index.Term")
    return lambda token: int(searcher.reader.docFreq(term(_CONTENTS, token)))


def described(indexes: Indexes) -> str:
    """The indexes in words, for a notice."""
    numbers = ", ".join(str(shard.number) for shard in indexes.shards[:10])
    more = ", …" if len(indexes.shards) > 10 else ""
    return f"{counted(len(indexes.shards), 'shard')} ({numbers}{more}) of {indexes.shards[0].of}"
