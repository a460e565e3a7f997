"""A vector file that grows in whole windows and can be taken up again after any interruption.

While it grows, ``.NAME.partial`` holds the bytes and ``.NAME.progress`` says up to where they are
safe; both names are passed over by Anserini. Each window is flushed to disk before the progress
is moved, so a kill costs at most one window. A finished file appears under its own name at once.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from hyper_ir.files import fsync_directory, partial_of, write_json
from hyper_ir.locking import hold
from hyper_ir.wording import counted

PROGRESS_SUFFIX = ".progress"

HOW_TO_RESUME = "add --resume after `output` to go on from the last window"


class VectorFile:
    """Writes ``path`` window by window; use it as a context manager.

    Parameters
    ----------
    path: the file to make; gzipped, one member a window, where it ends in ``.gz``.
    settings: everything that the lines depend on; a partial file made with other settings is
        not taken up.
    resume: take up a partial file; without it, a partial or finished file is an error.
    overwrite: throw away what is there.

    Attributes
    ----------
    done: how many documents are in the file and safe.
    counts: figures about them (terms, empty vectors), carried over an interruption.
    size: how many bytes of the file are safe.
    finished: the file was whole before; there is nothing to write.

    Raises
    ------
    ValueError
        When there is something already and neither ``resume`` nor ``overwrite`` was asked for,
        when the settings differ, or when another process is writing the file.
    """

    def __init__(
        self, path: Path, settings: dict[str, Any], resume: bool = False, overwrite: bool = False
    ) -> None:
        self.path = path
        self.partial = partial_of(path)
        self.progress = path.with_name(f".{path.name}{PROGRESS_SUFFIX}")
        self.settings = json.loads(json.dumps(settings))
        self.done = 0
        self.counts: dict[str, int] = {}
        self.ids = hashlib.sha256()
        self.size = 0
        self._handle: BinaryIO | None = None
        self.finished = False
        path.parent.mkdir(parents=True, exist_ok=True)
        if overwrite:
            self.path.unlink(missing_ok=True)
            self.progress.unlink(missing_ok=True)
        elif self.path.exists():
            self.finished = True
            if not resume:
                raise ValueError(
                    f"{path} exists already; --overwrite makes it anew, --resume keeps it"
                )
            self.progress.unlink(missing_ok=True)
        elif self.progress.exists() and not resume:
            raise ValueError(
                f"{path.parent} holds a part of {path.name} from an interrupted run; "
                "--resume goes on with it, --overwrite starts anew"
            )

    def __enter__(self) -> VectorFile:
        if self.finished:
            return self
        handle = os.fdopen(hold(self.partial, self.path), "wb")
        try:
            if self.path.exists():
                self.partial.unlink()
                raise ValueError(f"{self.path} was written by another process just now")
            state = self._read_progress()
        except ValueError:
            handle.close()
            raise
        self._handle = handle
        if state is not None:
            self.done, self.size = state["done"], state["bytes"]
            self.counts = state["counts"]
            self._expected_ids = state["ids"]
        handle.truncate(self.size)
        handle.seek(self.size)
        return self

    def _read_progress(self) -> dict[str, Any] | None:
        if not self.progress.exists():
            return None
        try:
            state: dict[str, Any] = json.loads(self.progress.read_text(encoding="utf-8"))
            settings, size = state["settings"], state["bytes"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{self.progress}: not readable ({error}); --overwrite starts anew"
            ) from error
        differing = sorted(
            key
            for key in {*settings, *self.settings}
            if settings.get(key) != self.settings.get(key)
        )
        if differing:
            raise ValueError(
                f"{self.path.name}: the interrupted run had other settings "
                f"({', '.join(differing)}); give the same, or --overwrite to start anew"
            )
        if self.partial.stat().st_size < size:
            raise ValueError(
                f"{self.partial}: shorter than the {size:,} bytes that were safe; "
                "--overwrite starts anew"
            )
        return state

    def skip(self, ids: Iterable[str]) -> None:
        """Take note of the ids of the documents done, read again from the corpus.

        Raises ValueError when they are not those that the file holds: the corpus has changed.
        """
        for document_id in ids:
            self._note(document_id)
        if self.done and self.ids.hexdigest() != self._expected_ids:
            raise ValueError(
                f"{self.path.name}: the corpus does not begin with the "
                f"{counted(self.done, 'document')} of the interrupted run; --overwrite starts anew"
            )

    def _note(self, document_id: str) -> None:
        self.ids.update(document_id.encode("utf-8", "surrogatepass") + b"\n")

    def write(self, lines: list[tuple[str, str]], counts: dict[str, int]) -> None:
        """Append a window of ``(id, line)`` and make it safe on disk; add ``counts``."""
        assert self._handle is not None
        data = "".join(line + "\n" for _, line in lines).encode()
        if self.path.suffix == ".gz":
            data = gzip.compress(data, mtime=0)
        self._handle.write(data)
        self._handle.flush()
        os.fsync(self._handle.fileno())
        self.size += len(data)
        self.done += len(lines)
        for document_id, _ in lines:
            self._note(document_id)
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        state = {
            "settings": self.settings,
            "done": self.done,
            "bytes": self.size,
            "ids": self.ids.hexdigest(),
            "counts": self.counts,
        }
        write_json(self.progress, state)

    def finish(self) -> None:
        """Give the file its name: it is whole."""
        assert self._handle is not None
        self._handle.flush()
        os.fsync(self._handle.fileno())
        os.replace(self.partial, self.path)
        fsync_directory(self.path.parent)
        self.progress.unlink(missing_ok=True)
        self.finished = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.finished and not self.progress.exists():
            self.partial.unlink(missing_ok=True)  # nothing in it is safe
        elif isinstance(error, KeyboardInterrupt):
            error.add_note(HOW_TO_RESUME)
        if self._handle is not None:
            self._handle.close()
