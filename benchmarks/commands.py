"""Whole commands as contenders: each turn is a process, from the start of Python to its end."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import SHOWN


class Command:
    """Makes a folder anew each time it is run.

    Parameters
    ----------
    name: as the tables call it.
    words: the command line behind ``python -m``.
    output: the folder that it makes.
    environment: all its variables.
    """

    def __init__(
        self, name: str, words: Sequence[str], output: Path, environment: dict[str, str]
    ) -> None:
        self.name = name
        self.words = list(words)
        self.output = output
        self.environment = environment

    def run(self, **task: Any) -> dict[str, Any]:
        """Seconds, and bytes of the folder's visible files.

        Raises ValueError with the last words of a failure.
        """
        shutil.rmtree(self.output, ignore_errors=True)
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", *self.words],
            capture_output=True,
            text=True,
            env=self.environment,
            check=False,
        )
        taken = time.perf_counter() - start
        if done.returncode or not self.output.is_dir():
            last = (done.stdout + done.stderr)[-SHOWN:]
            raise ValueError(f"{self.name}: status {done.returncode}: {last}")
        return {"seconds": taken, "bytes": sum(path.stat().st_size for path in _visible(self))}


def _visible(command: Command) -> list[Path]:
    paths = command.output.rglob("*")
    return [path for path in paths if path.is_file() and not path.name.startswith(".")]
