"""What Anserini is to read, laid out in a folder of its own: nothing more, nothing less.

Anserini reads every ``.json``, ``.jsonl`` and ``.gz`` file below its input folder, hidden ones
and sub-folders too, gives up a file at its first bad line, and still ends with status 0.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO, TypeVar

from tqdm import tqdm

from hyper_ir.bounded import is_gzip
from hyper_ir.data.records import Passage
from hyper_ir.data.vectors import DENSE, read_vectors, vector_files
from hyper_ir.manifest import Manifest
from hyper_ir.problems import Problems

# Anserini writes a vector out as text, each token as often as it weighs.
LONGEST_TEXT = 100_000_000

# What python -m hyper_ir.encode keeps beside a file that grows, and how it names shards.
PROGRESS_SUFFIX = ".progress"
_SHARD = re.compile(r"-(\d+)-of-(\d+)\.json")

T = TypeVar("T")


def stage_vectors(
    source: Path, folder: Path, manifest: Manifest | None, problems: Problems, progress: bool
) -> int:
    """Put the vectors of a file or folder into ``folder`` and return the number of documents.

    The files are linked. They are read through first unless ``manifest``, that of sparse
    vectors, says how many documents they hold; where bad records are skipped, cleaned copies
    take the links' place. Raises ValueError (or tells ``problems``) for what ``read_vectors``
    refuses and for weights that Anserini could not write out, and ValueError where a manifest says
    that the vectors are dense, where the encoding was interrupted, or where a shard is missing.
    """
    files = vector_files(source)
    require_sparse_and_whole(source, manifest)
    documents = None
    if manifest is not None and manifest.quantiser:  # dense vectors have none
        documents = manifest.counts.get("documents")
    if documents is None:
        documents = sum(1 for _ in good_vectors(source, problems, progress, too_long_a_text))
    if problems.count:
        _write_clean(source, folder, progress)
    else:
        for number, path in enumerate(files):
            suffix = ".jsonl.gz" if is_gzip(path) else ".jsonl"
            _link(path.resolve(), folder / f"vectors-{number:05d}{suffix}")
    return documents


def require_sparse_and_whole(source: Path, manifest: Manifest | None) -> None:
    """Raise ValueError where a manifest says that vectors are dense, or some are missing."""
    require_whole(source)
    if manifest is not None and _is_dense(manifest):
        raise ValueError(f"vectors: {source} holds {DENSE}")


def good_vectors(
    source: Path,
    problems: Problems,
    progress: bool,
    complaint: Callable[[dict[str, int]], str | None],
    total: int | None = None,
) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield ``(id, vector)`` of what nothing speaks against; ``problems`` is told of the rest.

    ``complaint`` says why a vector that is one cannot be indexed, or None.
    """
    for id, vector, where in shown(read_vectors(source, problems), progress, total):
        if (reason := complaint(vector)) is not None:
            problems.found(where, reason)
        else:
            yield id, vector


def require_whole(source: Path) -> None:
    """Raise ValueError where a folder's encoding was interrupted, or lacks a shard."""
    if not source.is_dir():
        return
    growing = next(source.glob(f".*{PROGRESS_SUFFIX}"), None)
    if growing is not None:
        name = growing.name.removesuffix(PROGRESS_SUFFIX)[1:]
        raise ValueError(f"vectors: {source}: the encoding of {name} is not finished; --resume it")
    shards = [
        match for path in vector_files(source) if (match := _SHARD.search(path.name)) is not None
    ]
    present = {int(match.group(1)) for match in shards}
    for total in {int(match.group(2)) for match in shards}:
        missing = sorted(set(range(total)) - present)
        if missing:
            raise ValueError(
                f"vectors: {source} lacks shard {missing[0]} of {total} (numbered from 0)"
            )


def _is_dense(manifest: Manifest) -> bool:
    """Whether a model made the vectors that has no vocabulary to name their components by."""
    return bool(manifest.model) and not manifest.vocabulary and not manifest.quantiser


def too_long_a_text(vector: dict[str, int]) -> str | None:
    """Why Anserini could not write this vector out; None when it can."""
    if sum((len(token) + 1) * weight for token, weight in vector.items()) > LONGEST_TEXT:
        return (
            "weights are too large: Anserini repeats each token as often as it weighs, over "
            f"{LONGEST_TEXT:,} characters here; quantise by a smaller factor"
        )
    return None


def _write_clean(source: Path, folder: Path, progress: bool) -> None:
    with open(folder / "vectors-00000.jsonl", "w", encoding="utf-8") as handle:
        for id, vector, _ in shown(read_vectors(source, Problems("skip", keep=0)), progress):
            if too_long_a_text(vector) is None:
                record = {"id": id, "contents": "", "vector": vector}
                handle.write(json.dumps(record, ensure_ascii=False) + "\n")


def stage_passages(
    passages: Iterable[Passage], folder: Path, files: int, total: int | None, progress: bool
) -> int:
    """Write passages as Anserini's JsonCollection in ``files`` files and return their number.

    Anserini's threads take a file each. Raises ValueError when there is no passage.
    """
    count = 0
    with contextlib.ExitStack() as stack:
        handles: list[TextIO] = [
            stack.enter_context(open(folder / f"texts-{part:05d}.jsonl", "w", encoding="utf-8"))
            for part in range(files)
        ]
        for passage in shown(passages, progress, total):
            record = {"id": passage.id, "contents": passage.contents}
            handles[count % files].write(json.dumps(record, ensure_ascii=False) + "\n")
            count += 1
    if not count:
        raise ValueError("the corpus holds no passage")
    return count


def shown(records: Iterable[T], progress: bool, total: int | None = None) -> Iterable[T]:
    """The records, with a bar on stderr that counts them."""
    return tqdm(records, desc="read", unit=" texts", total=total, disable=not progress)


def _link(source: Path, target: Path) -> None:
    for way in (os.symlink, os.link, shutil.copyfile):
        try:
            way(source, target)
            return
        except OSError:  # no right to link (Windows), or another disk
            continue
    raise OSError(f"{source} can be neither linked nor copied to {target}")
