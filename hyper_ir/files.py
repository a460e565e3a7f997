"""Reading and writing files so that bad input is named and nothing half-written is taken for whole.

Readers yield where each record stands (``FILE:LINE``), so that an error can say it.
Writers write aside, fsync, and rename.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TextIO

import jsonlines

from hyper_ir.bounded import DAMAGED, LONGEST_LINE, bounded_lines, open_bytes
from hyper_ir.full_disk import told_where_full
from hyper_ir.locking import hold, partial_folder, remove
from hyper_ir.problems import Problems

PARTIAL_SUFFIX = ".partial"


def require_file(path: str | os.PathLike[str], what: str) -> Path:
    """Return ``path`` as a Path; raise ValueError unless it is an existing file.

    ``what`` names its role in the message, for example ``"topics"``.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{what}: {path} is a folder; a file is needed")
    if not path.is_file():
        raise ValueError(f"{what}: {path} does not exist")
    return path


def require_directory(path: str | os.PathLike[str], what: str) -> Path:
    """Return ``path`` as a Path; raise ValueError unless it is an existing folder."""
    path = Path(path)
    if path.is_file():
        raise ValueError(f"{what}: {path} is a file; a folder is needed")
    if not path.is_dir():
        raise ValueError(f"{what}: {path} does not exist")
    return path


def require_writable(path: str | os.PathLike[str], what: str) -> Path:
    """Return ``path`` as a Path; raise ValueError unless a file can be made or replaced there.

    Folders above it may be missing, since writing makes them. ``what`` names its role.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{what}: {path} is a folder; a file is needed")
    _require_room(path, what, path.resolve().parents)
    return path


def require_writable_folder(path: str | os.PathLike[str], what: str) -> Path:
    """Return ``path`` as a Path; raise ValueError unless it is a folder to write in, or can be."""
    path = Path(path)
    if path.is_file():
        raise ValueError(f"{what}: {path} is a file; a folder is needed")
    whole = path.resolve()
    _require_room(path, what, [whole, *whole.parents])
    return path


def bytes_within(folder: Path) -> int:
    """The sizes of all files in a folder and its folders, together."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _require_room(path: Path, what: str, places: Iterable[Path]) -> None:
    """Raise ValueError unless the first place that exists is a folder that takes files.

    A file without a name is made there: rights alone do not tell, for root may write everywhere,
    and still not on a disk that is read-only, or in /proc.
    """
    first = next((place for place in places if place.exists()), Path())
    try:
        with tempfile.TemporaryFile(dir=first), suppress(FileNotFoundError):
            os.lstat(first / f".{path.name}{PARTIAL_SUFFIX}")  # an error where the name is too long
    except OSError as error:
        raise ValueError(
            f"{what}: {path} cannot be written: {first} takes no file ({error.strerror})"
        ) from error


def read_lines(
    path: str | os.PathLike[str], problems: Problems | None = None
) -> Iterator[tuple[int, str]]:
    """Yield ``(line number from 1, line without its line end)``; a leading byte order mark goes.

    Lines end at ``\\n`` alone: U+2028 and its kin are ordinary characters of a text.
    A line whose bytes are not UTF-8 goes to ``problems`` (by default: ValueError at the first), and
    so does one of more than ``LONGEST_LINE`` bytes, which is never held as a whole.
    Raises ValueError naming file and line for a damaged or truncated gzip file.
    """
    problems = problems if problems is not None else Problems()
    number = 0
    try:
        with open_bytes(path) as handle:
            # Lines are decoded one by one: a text layer decodes blocks and would name a line
            # before the bad one.
            for number, line in enumerate(bounded_lines(handle), start=1):
                if len(line) > LONGEST_LINE:
                    problems.found(f"{path}:{number}", f"the line has over {LONGEST_LINE:,} bytes")
                    continue
                try:
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    problems.found(f"{path}:{number}", f"not UTF-8 text ({error.reason})")
                    continue
                yield number, text.removesuffix("\n").removesuffix("\r")
    except DAMAGED as error:
        raise ValueError(f"{path}:{number + 1}: damaged gzip file ({error})") from error


def read_jsonl(
    path: str | os.PathLike[str], problems: Problems | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``("FILE:LINE", object)`` of every line that holds a JSON object; skip blank lines.

    A line that is not a JSON object goes to ``problems`` (by default: ValueError at the first).
    """
    problems = problems if problems is not None else Problems()
    for number, line in read_lines(path, problems):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            # jsonlines takes orjson where it is installed, which reads NaN and big integers
            # otherwise: the same file must read the same everywhere.
            reader = jsonlines.Reader([line], loads=json.loads)
            yield where, reader.read(type=dict)
        except (jsonlines.InvalidLineError, RecursionError) as error:
            reason = str(error).split(" (line ")[0]
            problems.found(where, f"not a JSON object: {reason}")


def partial_of(path: Path) -> Path:
    """Where a file or folder is written aside."""
    return path.with_name(f".{path.name}{PARTIAL_SUFFIX}")


@contextmanager
def atomic_file(
    path: str | os.PathLike[str], beside: Callable[[], object] | None = None, wait: bool = True
) -> Iterator[IO[bytes]]:
    """Open a file for bytes that appears under its name only once it is whole and on disk.

    On an exception the partial file is removed and the old file, if any, stays as it was.

    Parameters
    ----------
    beside: called when the bytes are on disk, before they get the name: what it writes is there
        before the file is, and is not mixed with what another process writes.
    wait: wait where another process is writing the file; otherwise ValueError.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_of(path)
    with told_where_full(path), os.fdopen(hold(partial, path, wait), "wb") as raw:
        try:
            raw.truncate()  # what a killed process left
            yield raw
            raw.flush()
            os.fsync(raw.fileno())
            if beside is not None:
                beside()
            os.replace(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        fsync_directory(path.parent)


@contextmanager
def atomic_text(
    path: str | os.PathLike[str], beside: Callable[[], object] | None = None, wait: bool = True
) -> Iterator[TextIO]:
    """Open a UTF-8 text file that appears under its name only once it is whole and on disk.

    The bytes are gzipped where the name ends in ``.gz`` (without a time stamp, so that equal
    text gives equal bytes). The rest is as in :func:`atomic_file`.
    """
    with (
        atomic_file(path, beside, wait) as raw,
        _text_over(raw, compressed=Path(path).suffix == ".gz") as handle,
    ):
        yield handle


@contextmanager
def _text_over(raw: IO[bytes], compressed: bool) -> Iterator[TextIO]:
    """A UTF-8 text layer over a binary file that leaves the binary file open."""
    binary: Any = gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) if compressed else raw
    text = io.TextIOWrapper(binary, encoding="utf-8", newline="\n")
    try:
        yield text
        text.flush()
    finally:
        text.detach()
        if compressed:
            binary.close()


@contextmanager
def atomic_directory(path: str | os.PathLike[str], replace: bool = False) -> Iterator[Path]:
    """Yield an empty folder that takes the name ``path`` only when the block ends without error.

    Raises ValueError before any work when ``path`` exists and ``replace`` is false, and when
    another process is writing it.
    """
    path = Path(path)
    if path.exists() and not replace:
        raise ValueError(f"{path} exists already; remove it or give another name")
    target = path
    if path.name in ("", "..") or path.is_symlink():  # the folder itself, by its own name
        target = Path(os.path.realpath(path))
    with partial_folder(partial_of(target), path) as partial, told_where_full(path):
        yield partial
        _let_others_read(partial)
        _rename_over(partial, target)


def _let_others_read(folder: Path) -> None:
    """Give the folder's files the rights that new files have here.

    safetensors makes its files for their owner alone, whatever the umask.
    """
    usual = folder.stat().st_mode & 0o666
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(path.stat().st_mode | usual)


def _rename_over(partial: Path, path: Path) -> None:
    """Give a folder its name; what has it goes as a whole, so that no half of it is ever there."""
    before = path.with_name(f".{path.name}.before{PARTIAL_SUFFIX}")
    remove(before)  # of a process that was killed here
    there = path.exists()
    if there:
        os.replace(path, before)
    try:
        os.replace(partial, path)
    except OSError:
        if there:
            os.replace(before, path)
        raise
    fsync_directory(path.parent)
    remove(before)


def fsync_directory(path: Path) -> None:
    """Make a rename inside the folder durable, where the system can."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # Windows cannot open a folder
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(
    path: str | os.PathLike[str], value: Any, beside: Callable[[], object] | None = None
) -> None:
    """Write ``value`` as indented JSON, atomically; NaN and infinity are refused.

    ``beside`` is as in :func:`atomic_file`.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    with atomic_text(path, beside) as handle:
        handle.write(text + "\n")


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The file's SHA-256 in hexadecimal."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
