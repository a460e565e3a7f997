"""Bytes and text of a file, gzip unpacked, in pieces that no file can make too large.

A line of gigabytes, a file of gigabytes where a small one should be, a gzip file that unpacks to a
thousand times its size: each is refused, by name, after so much of it as is allowed.
"""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

LONGEST_LINE = 1 << 25
"""Bytes of a line, and characters of what else is held as a whole: 32 MiB.

JSON takes up to 30 times its size as Python objects: no reader, whatever it is given, takes more
than 1.25 GiB besides what it returns.
"""

DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)
"""What gzip raises for a file that was cut short or changed."""


def is_gzip(path: Path) -> bool:
    """Whether the file starts with gzip's magic number, whatever its name says."""
    with open(path, "rb") as handle:
        return handle.read(2) == b"\x1f\x8b"


def open_bytes(path: str | os.PathLike[str]) -> IO[bytes]:
    """Open a file for reading bytes, unpacking gzip as it goes, whatever its name says."""
    path = Path(path)
    if is_gzip(path):
        return io.BufferedReader(gzip.open(path, "rb"), buffer_size=1 << 16)
    return open(path, "rb")


def bounded_lines(handle: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines with their ends; of a line over ``LONGEST_LINE`` that and one byte more."""
    for line in iter(partial(handle.readline, LONGEST_LINE + 1), b""):
        yield line
        while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = handle.readline(LONGEST_LINE + 1)


def read_blocks(path: str | os.PathLike[str], size: int = 1 << 16) -> Iterator[str]:
    """Yield the file's text in blocks of ``size`` bytes; a leading byte order mark goes.

    Raises ValueError with FILE:LINE for bytes that are not UTF-8 and for a damaged gzip file.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    line = 1
    try:
        with open_bytes(path) as handle:
            for block in iter(partial(handle.read, size), b""):
                yield decoder.decode(block)
                line += block.count(b"\n")
            yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line += error.object[: error.start].count(b"\n")
        raise ValueError(f"{path}:{line}: not UTF-8 text ({error.reason})") from error
    except DAMAGED as error:
        raise ValueError(f"{path}:{line}: damaged gzip file ({error})") from error


def read_whole(path: str | os.PathLike[str], most: int | None = None) -> str:
    """The text of a file that is small: settings, a manifest, one JSON object.

    Raises ValueError for one of more than ``most`` characters (by default ``LONGEST_LINE``), whose
    rest is not read, and as :func:`read_blocks` does.
    """
    most = LONGEST_LINE if most is None else most
    parts: list[str] = []
    left = most
    for block in read_blocks(path):
        parts.append(block)
        left -= len(block)
        if left < 0:
            raise ValueError(f"{path}: over {most:,} characters, more than such a file has")
    return "".join(parts)
