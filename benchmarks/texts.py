"""Real texts of natural lengths: the documentation installed here, or a file of one's own."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from hyper_ir.data.corpus import open_corpus
from hyper_ir.files import atomic_text
from hyper_ir.wording import counted

LEAST, MOST = 40, 200
"""Words of a documentation text: about 100 on average, some of them short, some cut."""


def some_texts(count: int, source: str | None = None, seed: int = 42) -> list[str]:
    """``count`` texts without line breaks, drawn from the documentation, or a corpus's first ones.

    Raises ValueError where there are not so many.
    """
    if source is not None:
        texts = [" ".join(passage.text.split()) for passage in islice(open_corpus(source), count)]
    else:
        texts = _documentation()
        random.Random(seed).shuffle(texts)
    if len(texts) < count:
        raise ValueError(f"texts: {counted(len(texts), 'text is', 'texts are')} there, not {count}")
    return texts[:count]


def _documentation() -> list[str]:
    """Docstrings of the standard library and numpy, in the order of their names."""
    from hyper_ir.data.python_docs.reading import find_trees, read_pages

    pages = read_pages(find_trees(("stdlib", "numpy"))).pages
    bodies = ((page.title, " ".join(page.paragraphs(MOST))) for page in pages)
    return [
        " ".join(f"{title} {body}".split()) for title, body in bodies if len(body.split()) >= LEAST
    ]


def exact_lengths(tokenizer: object, count: int, length: int, seed: int = 42) -> list[str]:
    """``count`` texts of exactly ``length`` tokens, special tokens included, of whole words."""
    vocabulary: dict[str, int] = tokenizer.get_vocab()  # type: ignore[attr-defined]
    words = sorted(word for word in vocabulary if word.isalpha() and word.isascii())
    draw = random.Random(seed)
    return [" ".join(draw.choices(words, k=length - 2)) for _ in range(count)]


def write_corpus(path: Path, texts: Iterable[str]) -> Path:
    """Pyserini's JSONL with ids 0, 1, …; returns the path."""
    with atomic_text(path) as handle:
        for number, text in enumerate(texts):
            record = {"id": str(number), "contents": text}
            handle.write(json.dumps(record, ensure_ascii=False) + "\n")
    return path
