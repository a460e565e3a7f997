"""A process that keeps what it frees has its pages cleared once."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import torch
from hyper_ir.training.freed_memory import keep_freed_memory

torch.set_num_threads(1)
if sys.argv[1] == "keep":
    keep_freed_memory()
for _ in range(10):
    torch.zeros(16 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    torch.zeros(16 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _run(*arguments: str) -> str:
    command = [sys.executable, "-c", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_large_blocks_are_used_again() -> None:
    # Not in this process, whose other tests are to run as they are.
    program = "from hyper_ir.training.freed_memory import keep_freed_memory as keep; print(keep())"
    if _run(program).strip() != "True":
        pytest.skip("not glibc")
    kept, plain = (int(_run(PROGRAM, mode)) for mode in ("keep", "plain"))
    # 64 MiB are 16,384 pages of 4 KiB, or 32 of 2 MiB.
    assert plain >= 5 * 32
    assert kept < plain / 10
