"""A contender's process: load, say so, then work once for each line of standard input."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

Work = Callable[[dict[str, Any]], dict[str, Any]]


def main(factory: str, settings: str, threads: str) -> None:
    """Answer on the real standard output; what libraries print goes to stderr."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        _set_threads(int(threads))
        module, _, name = factory.partition(":")
        work: Work = getattr(importlib.import_module(module), name)(**json.loads(settings))
        _say(answers, {"ready": True})
        for line in sys.stdin:
            _say(answers, work(json.loads(line)))


def _set_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _say(answers: Any, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
