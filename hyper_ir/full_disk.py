"""A full disk is named, whatever a library makes of it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LITTLE = 1 << 16
"""Bytes: a disk with less room than this is full, where an error does not tell."""


@contextmanager
def told_where_full(path: Path) -> Iterator[None]:
    """Name what was being written when the disk was full, whatever a library makes of it.

    Its OSError then names no file, torch raises RuntimeError, and safetensors an error of its own.
    """
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM and error.filename is None:
            error.filename = os.fspath(path)
        raise
    except ValueError:
        raise
    except Exception as error:
        told = any(f"os error {number}" in str(error) for number in NO_ROOM)  # by safetensors
        if told or shutil.disk_usage(path.parent).free < LITTLE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(path)) from error
        raise
