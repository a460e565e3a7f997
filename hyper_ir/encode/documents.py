"""A corpus to a folder of vectors, in bounded memory, resumable."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from hyper_ir.data.corpus import Corpus
from hyper_ir.data.records import Passage
from hyper_ir.encode.crews import CrewConfig, encoded_windows
from hyper_ir.encode.engine import Engine, Text, join_fields
from hyper_ir.encode.vector_file import VectorFile
from hyper_ir.encode.vector_folder import check_folder, folder_counts, identity
from hyper_ir.encode.windows import windows_of
from hyper_ir.files import require_writable_folder
from hyper_ir.locking import sole_writer
from hyper_ir.manifest import NAME, Manifest, read_manifest, write_manifest

ALONE = CrewConfig(workers=1)


@dataclass(frozen=True)
class OutputConfig:
    """What is written, and which share of the corpus.

    Attributes
    ----------
    encoded_fields: the passage's fields that the encoder reads; None for all, in their order.
    add_sep: put the tokenizer's separator between two fields.
    compress: gzip the file.
    shard_id, shard_num: of every ``shard_num`` passages, encode the one at ``shard_id`` (from 0).
    resume, overwrite: what to do with what is there already; see :class:`VectorFile`.
    """

    encoded_fields: tuple[str, ...] | None = None
    add_sep: bool = False
    compress: bool = False
    shard_id: int = 0
    shard_num: int = 1
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.shard_num < 1 or not 0 <= self.shard_id < self.shard_num:
            raise ValueError(
                f"shard {self.shard_id} of {self.shard_num}: shard ids run from 0 to "
                "the number of shards less one"
            )
        if self.resume and self.overwrite:
            raise ValueError("resume and overwrite exclude each other")

    @property
    def file_name(self) -> str:
        """``embeddings.jsonl`` as Pyserini names it; shards carry their numbers."""
        shard = "" if self.shard_num == 1 else f"-{self.shard_id:05d}-of-{self.shard_num:05d}"
        return f"embeddings{shard}.jsonl" + (".gz" if self.compress else "")


def encode_corpus(
    engine: Engine,
    corpus: Corpus,
    folder: Path,
    config: OutputConfig | None = None,
    progress: bool = True,
    crew: CrewConfig = ALONE,
) -> Manifest:
    """Encode a corpus (or one shard of it) into ``folder`` and return the file's manifest.

    The folder can be given to ``python -m pyserini.index.lucene --collection
    JsonVectorCollection --impact --pretokenized`` as it is. A text without any term gets one
    placeholder term, so that every reader finds a vector. ``crew`` says how many processes
    encode; a program that asks for more than one must keep its own start behind
    ``if __name__ == "__main__"``, as always where processes are spawned.

    Raises
    ------
    ValueError
        For bad input (unless the corpus skips it), a field that the passages lack, output that
        is there already, or a folder with vectors of another model or quantiser.
    """
    config = config or OutputConfig()
    require_writable_folder(folder, "embeddings")
    manifest = engine.manifest("vectors", settings_of(config), {"corpus": corpus.describe()})
    if not _clears_folder(config):
        check_folder(folder, manifest, [config.file_name])
    path = folder / config.file_name
    total = check_corpus(corpus, config, progress)
    with sole_writer(path), _output(path, manifest, config) as output:
        if output.finished:
            manifest = read_manifest(path) or manifest
            _check_size(path, manifest)
        else:
            counts = _encode_into(output, engine, corpus, config, crew, total, progress)
            manifest = replace(manifest, counts={**counts, "bytes": output.size})
            write_manifest(path, manifest)
            output.finish()
    with sole_writer(folder / NAME, wait=True):  # other shards end, too
        write_manifest(folder, replace(manifest, counts=folder_counts(folder)))
    return manifest


def _output(path: Path, manifest: Manifest, config: OutputConfig) -> VectorFile:
    """The file to write, what is to be overwritten gone."""
    if _clears_folder(config):
        for old in [*path.parent.glob("embeddings*.jsonl*"), path.parent / NAME]:
            old.unlink(missing_ok=True)
    return VectorFile(path, identity(manifest), config.resume, config.overwrite)


def check_corpus(corpus: Corpus, config: OutputConfig, progress: bool) -> int:
    """Read the whole corpus once before the first text is encoded; count this shard's passages.

    Reading takes a small share of the time that encoding takes: an error in the last line is
    found in minutes, not after days, and the progress bar knows its end.
    """
    passages = tqdm(corpus, desc="checking", unit="doc", disable=not progress)
    total = sum(1 for _ in texts_of(passages, config))
    if not total:
        raise ValueError(f"{corpus.source}: shard {config.shard_id} holds no passage")
    return total


def _encode_into(
    output: VectorFile,
    engine: Engine,
    corpus: Corpus,
    config: OutputConfig,
    crew: CrewConfig,
    total: int,
    progress: bool,
) -> dict[str, int]:
    """Encode what is not yet in the file, ``total`` passages with what is in it."""
    texts = texts_of(corpus, config)
    done = output.done
    output.skip(passage.id for passage, _ in islice(texts, done))
    left = -(-max(total - done, 0) // engine.window)
    with tqdm(
        desc="encoding",
        unit="doc",
        initial=done,
        total=total,
        disable=not progress,
        smoothing=0.1,
    ) as bar:

        def say(line: str) -> None:
            if progress:
                bar.write(line, file=sys.stderr)

        for encoded in encoded_windows(engine, windows_of(texts, engine.window), left, crew, say):
            output.write(*encoded)
            bar.update(len(encoded.lines))
    return {**output.counts, "skipped": corpus.problems.count}


def _check_size(path: Path, manifest: Manifest) -> None:
    size = path.stat().st_size
    if size != manifest.counts.get("bytes", size):
        raise ValueError(
            f"{path}: {size:,} bytes, but its manifest says {manifest.counts['bytes']:,}: it was "
            "damaged or changed; --overwrite makes it anew"
        )


def texts_of(passages: Iterable[Passage], config: OutputConfig) -> Iterator[tuple[Passage, Text]]:
    """The passages of this shard, each with the text to encode, read as they are asked for.

    Raises ValueError for a passage that lacks a field.
    """
    for passage in islice(passages, config.shard_id, None, config.shard_num):
        yield passage, _text(passage, config)


def _text(passage: Passage, config: OutputConfig) -> Text:
    names = config.encoded_fields or tuple(passage.fields)
    for name in names:
        if name not in passage.fields:
            raise ValueError(
                f"{passage.where}: no field {name!r} to encode; the passage has "
                f"{', '.join(passage.fields)}"
            )
    return join_fields([passage.fields[name] for name in names], config.add_sep)


def settings_of(config: OutputConfig) -> dict[str, Any]:
    """The part of the configuration that the lines depend on."""
    settings = asdict(config)
    for name in ("resume", "overwrite"):
        del settings[name]
    return settings


def _clears_folder(config: OutputConfig) -> bool:
    """Whether all that is there goes, once the corpus is known to be good."""
    return config.overwrite and config.shard_num == 1
