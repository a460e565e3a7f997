"""Collect the documentation installed on this machine into a test collection."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from hyper_ir.data.python_docs.reading import DEFAULT_PACKAGES, find_trees, read_pages
from hyper_ir.data.python_docs.selection import select_topics
from hyper_ir.data.python_docs.writing import check_output, write_collection


@dataclass(frozen=True)
class CollectConfig:
    """What is collected.

    Attributes
    ----------
    packages: installed packages by import name or by the name they are installed by; those that
        are not installed are left out. ``stdlib`` is the standard library.
    words: a page's text is cut after so many words.
    max_topics: most train topics of each kind; dev and test have at most a quarter as many each.
    seed: chooses among the topics.
    """

    packages: tuple[str, ...] = DEFAULT_PACKAGES
    words: int = 100
    max_topics: int = 1000
    seed: int = 42

    def __post_init__(self) -> None:
        if self.words < 1:
            raise ValueError(f"words: {self.words} is not a positive number")
        if self.max_topics < 1:
            raise ValueError(f"max_topics: {self.max_topics} is not a positive number")
        if not self.packages:
            raise ValueError("packages: none is named")


def collect(
    output: str | os.PathLike[str],
    config: CollectConfig | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> dict[str, Any]:
    """Write the collection into the folder ``output`` and return its description.

    The folder holds ``knowledgesource.jsonl``, ``{task}-{train,dev,test}-kilt.jsonl`` (a file
    without topics is not written) and ``collection.json``, which is what is returned. Equal
    packages and settings give equal bytes.

    Raises ValueError for settings that make no sense, when no package is installed, and when
    the folder exists (see :func:`~hyper_ir.data.python_docs.writing.write_collection`).
    """
    config = config or CollectConfig()
    check_output(output, overwrite)
    reading = read_pages(find_trees(config.packages), progress=progress)
    topics, dropped = select_topics(reading.pages, config.max_topics, config.seed)
    for why, count in dropped.items():
        reading.counts[f"topics: {why}"] = count
    return write_collection(output, reading, topics, config.words, asdict(config), overwrite)
