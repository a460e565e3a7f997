"""Becomes another program that ends with the process that started it, however that one ends.

A program of its own, run as a file: ``python with_parent.py PARENT PROGRAM ARGUMENT …``. Linux
alone can do this; elsewhere a program outlives a parent that is killed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

DEATH_SIGNAL = 1
"""Linux's PR_SET_PDEATHSIG."""


def tied(command: Sequence[str]) -> list[str]:
    """The command line that starts ``command`` so that it ends with this process."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main(words: Sequence[str]) -> None:
    """Tie this process to its parent and become the program."""
    import ctypes

    parent, *command = words
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != int(parent):  # it has ended already
        sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
