"""Collections of any size for the scale benchmark: real paragraphs cut in two and recombined."""

from __future__ import annotations

import json
import random
from pathlib import Path

from hyper_ir.files import atomic_text

PASSAGES = 4
"""Of a page; ids are ``PAGE#NUMBER``."""


def write_collection(path: Path, texts: list[str], count: int, words: int, seed: int = 42) -> None:
    """Write ``count`` passages as Pyserini's JSONL.

    Each is the first half of one text and the second half of another, drawn by the seed, cut after
    ``words`` words, behind a number of its own: real words in real neighbourhoods, and no two
    passages alike.
    """
    halves = [_halves(text) for text in texts]
    draw = random.Random(seed)
    with atomic_text(path) as handle:
        for number in range(count):
            first, second = draw.choice(halves)[0], draw.choice(halves)[1]
            text = " ".join([str(number), *first[: words // 2], *second[: words - words // 2]])
            record = {"id": f"{number // PASSAGES}#{number % PASSAGES}", "contents": text}
            handle.write(json.dumps(record, ensure_ascii=False) + "\n")


def write_task(folder: Path, texts: list[str], passages: int, count: int, seed: int = 7) -> None:
    """Write a BEIR folder with ``count`` queries of some words, each with a passage for gold."""
    draw = random.Random(seed)
    judged = draw.sample(range(passages), count)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_text(folder / "queries.jsonl") as handle:
        for number in range(count):
            words = draw.choice(texts).split()
            start = draw.randrange(max(1, len(words) - 8))
            record = {"_id": f"q{number}", "text": " ".join(words[start : start + 8])}
            handle.write(json.dumps(record, ensure_ascii=False) + "\n")
    for split in ("train", "test"):
        with atomic_text(folder / "qrels" / f"{split}.tsv") as handle:
            handle.write("query-id\tcorpus-id\tscore\n")
            for number, place in enumerate(judged):
                handle.write(f"q{number}\t{place // PASSAGES}#{place % PASSAGES}\t1\n")


def _halves(text: str) -> tuple[list[str], list[str]]:
    words = text.split()
    return words[: len(words) // 2], words[len(words) // 2 :]
