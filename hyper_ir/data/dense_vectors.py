"""Dense vectors as ``hyper_ir.encode`` writes them: ``{"id", "vector": [0.1, …]}`` a line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyper_ir.data.vectors import read_checked
from hyper_ir.problems import Problems


def read_dense_vectors(
    source: str | os.PathLike[str], width: int, problems: Problems | None = None
) -> Iterator[tuple[str, NDArray[np.float32], str]]:
    """Yield ``(id, vector, "FILE:LINE")`` of a file or of a folder's files by name.

    Each vector is ``(width,)``, float32. Memory: one of them, and 11 to 21 bytes an id to find
    duplicates. Bad records go to ``problems``: no id or white space in it, an id that was there
    before, a vector that is no list of ``width`` finite numbers. Raises ValueError where the
    source does not exist or no vector is left.
    """
    return read_checked(source, partial(checked_dense_vector, width=width), problems)


def checked_dense_vector(vector: Any, width: int) -> NDArray[np.float32]:
    """The vector, ``(width,)`` float32; ValueError (without a place) for anything else."""
    if not isinstance(vector, list):
        kind = "missing" if vector is None else f"of type {type(vector).__name__}"
        raise ValueError(f"vector is {kind}; a list of {width} numbers is needed")
    if len(vector) != width:
        raise ValueError(f"vector has {len(vector)} numbers where {width} are needed")
    if not all(type(number) in (float, int) for number in vector):
        raise ValueError("vector holds something that is no number")
    try:
        with np.errstate(over="ignore"):
            numbers = np.array(vector, dtype=np.float32)
    except OverflowError as error:
        raise ValueError("vector holds a number that is too large") from error
    if not np.isfinite(numbers).all():
        raise ValueError("vector holds NaN, infinity or a number that is too large")
    return numbers
