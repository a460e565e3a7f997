"""The package's commands, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

SHOWN = 2000
"""Characters of a failed command's last words."""


class Verbs:
    """Runs commands; every one gets another seed of Python's hashes than the one before."""

    def __init__(self) -> None:
        self._seed = 0

    def __call__(self, module: str, *words: str, threads: int = 1) -> None:
        """Run ``python -m MODULE WORDS…``; raises ValueError with its last words where it fails."""
        self._seed += 1
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "PYTHONHASHSEED": str(self._seed),
                "OMP_NUM_THREADS": str(threads),
                "TOKENIZERS_PARALLELISM": "false",
                "HF_HUB_OFFLINE": "1",
            },
        )
        if done.returncode:
            raise ValueError(f"{module}: status {done.returncode}: {done.stderr[-SHOWN:]}")
