"""One writer at a time: what is being written is locked, and a lock ends with its process.

However a process ends, killed or not, nothing has to be removed by hand before the next.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK_SUFFIX = ".lock"

_held: set[int] = set()
"""Locks of whole blocks, which a forked process must not keep when this one is killed."""


def hold(place: Path, target: Path, wait: bool = False, folder: bool = False) -> int:
    """Make ``place`` unless it is there, open it, and lock it; returns the descriptor.

    The lock ends when the descriptor is closed. ``target`` is what is written, for the message;
    ``wait`` waits for another process to end. Where the system has no locks, there is none.

    Raises ValueError where another process holds the place.
    """
    while True:
        descriptor = _open(place, folder)
        if descriptor is None:
            continue
        try:
            if not _lock(descriptor, wait):
                raise ValueError(f"{target}: another process is writing it")
            if _is_named(descriptor, place):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # whoever held it has given it another name


@contextmanager
def sole_writer(path: str | os.PathLike[str], wait: bool = False) -> Iterator[None]:
    """Be the only process that writes ``path``, and what stands beside it, for the block.

    Raises ValueError at once where another process does, unless it is to ``wait``.
    """
    target = Path(os.path.abspath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    place = target.with_name(f".{target.name}{LOCK_SUFFIX}")
    descriptor = hold(place, Path(path), wait)
    _held.add(descriptor)
    try:
        yield
    finally:
        if descriptor in _held:  # not in a forked process
            _held.remove(descriptor)
            place.unlink(missing_ok=True)
            os.close(descriptor)


@contextmanager
def partial_folder(place: Path, target: Path) -> Iterator[Path]:
    """An empty folder that is this process's alone, and gone after the block unless renamed.

    ``target`` is what it will be. Raises ValueError where another process has the folder.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor = None
    if os.name != "nt":  # which cannot open a folder
        descriptor = hold(place, target, folder=True)
    try:
        place.mkdir(exist_ok=True)
        for left in place.iterdir():  # by a killed process
            remove(left)
        yield place
    finally:
        if descriptor is None or _is_named(descriptor, place):
            shutil.rmtree(place, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _open(place: Path, folder: bool) -> int | None:
    """A descriptor; None where the folder was renamed just now."""
    if not folder:
        return os.open(place, os.O_RDWR | os.O_CREAT, 0o666)
    place.mkdir(exist_ok=True)
    try:
        return os.open(place, os.O_RDONLY)
    except FileNotFoundError:
        return None


def _lock(descriptor: int, wait: bool) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _is_named(descriptor: int, place: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(place))
    except FileNotFoundError:
        return False


def _let_go() -> None:
    for descriptor in _held:
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
