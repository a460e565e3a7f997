"""Blocks that training frees, kept for the next step.

A step makes and frees tensors as large as the vocabulary (a gradient of the embeddings, a batch of
vectors). glibc gives a block of more than 32 MiB back to the system as soon as it is free, and the
system clears every page of the next one: a gradient of a MiniLM's embeddings, 47 MB, took 21 ms to
make on a virtual machine, and 2 ms of kept memory. See mallopt(3).
"""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4
NEVER = -1


def keep_freed_memory() -> bool:
    """Have this process keep what it frees; whether its C library can (glibc alone does).

    The process then stays as large as it has been at most, which for training is nearly what it
    needs at every step.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS, Windows
        return False
    mallopt.argtypes = (ctypes.c_int, ctypes.c_int)
    mallopt.restype = ctypes.c_int
    settings = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: NEVER}
    return all(bool(mallopt(name, value)) for name, value in settings.items())
