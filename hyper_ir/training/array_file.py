"""Arrays on disk in numpy's own format: written part by part, read as memory maps."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


class ArrayFile:
    """A ``.npy`` file that grows at its end; use it as a context manager.

    The file can be read once the block has ended without an error.

    Parameters
    ----------
    path: the file, made anew.
    dtype: of its numbers.
    width: how many numbers a row has; None for an array of one dimension.
    """

    def __init__(self, path: Path, dtype: DTypeLike, width: int | None = None) -> None:
        self.path = path
        self.dtype = np.dtype(dtype)
        self.row = () if width is None else (width,)
        self.length = 0
        self._handle: BinaryIO | None = None

    def __enter__(self) -> ArrayFile:
        self._handle = open(self.path, "wb")
        self._write_header()
        return self

    def append(self, values: ArrayLike) -> None:
        """Write more rows, ``(n,)`` or ``(n, width)``; ValueError for another shape."""
        assert self._handle is not None
        rows = np.ascontiguousarray(values, self.dtype)
        if rows.ndim != 1 + len(self.row) or rows.shape[1:] != self.row:
            raise ValueError(
                f"{self.path}: rows of shape {self.row} are needed, not {rows.shape[1:]}"
            )
        self._handle.write(rows.data)
        self.length += len(rows)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._handle is not None
        with self._handle:
            if error is None:
                self._handle.seek(0)
                self._write_header()
                self._handle.flush()
                os.fsync(self._handle.fileno())

    def _write_header(self) -> None:
        # numpy leaves room in the header for the length to grow: it is as long again at the end.
        assert self._handle is not None
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (self.length, *self.row),
        }
        np.lib.format.write_array_header_1_0(self._handle, header)


def mapped(path: Path) -> NDArray[Any]:
    """The array as a read-only memory map; ValueError where the file is missing or damaged."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path}: not an array that can be read ({error})") from error
    return np.asarray(array)  # the same map, without memmap's slower indexing
