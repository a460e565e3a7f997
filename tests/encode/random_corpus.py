"""A corpus of passages of 1 to 30 words in any order, the same each time."""

from __future__ import annotations

import json
import random
from pathlib import Path

from tests.tiny_models import TEXTS


def write_random_corpus(path: Path, passages: int) -> Path:
    """Write it as BEIR's JSONL with ids d0, d1, …; returns the path."""
    draw = random.Random(0)
    words = " ".join(TEXTS).split()
    with open(path, "w") as handle:
        for number in range(passages):
            text = " ".join(draw.choices(words, k=draw.randint(1, 30)))
            handle.write(json.dumps({"_id": f"d{number}", "title": "T", "text": text}) + "\n")
    return path


def repeated(corpus: Path, path: Path, times: int) -> Path:
    """Write such a corpus so many times into one file, each time with ids of its own."""
    lines = corpus.read_text().splitlines()
    with open(path, "w") as handle:
        for copy in range(times):
            handle.writelines(line.replace('"d', f'"d{copy}-') + "\n" for line in lines)
    return path
