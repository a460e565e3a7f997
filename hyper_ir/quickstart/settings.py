"""What the user of the quickstart may choose, and where things are put."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from hyper_ir.data.python_docs.reading import DEFAULT_PACKAGES
from hyper_ir.data.python_docs.writing import PAGES


@dataclass(frozen=True)
class Settings:
    """What the user may choose.

    Attributes
    ----------
    output: folder for everything that is made.
    packages: whose documentation is collected.
    words: a page's text is cut after so many words, which bounds the time of encoding.
    max_topics: most train topics of a kind; a quarter as many are tested.
    hits: passages searched for a topic.
    seed: chooses among the topics, and of the training.
    steps: optimiser steps of each trained query encoder; 0 trains none.
    threads: for indexing and searching.
    """

    output: Path = Path("quickstart-output")
    packages: tuple[str, ...] = DEFAULT_PACKAGES
    words: int = 40
    max_topics: int = 1000
    hits: int = 100
    seed: int = 42
    steps: int = 100
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)

    def __post_init__(self) -> None:
        for name in ("words", "max_topics", "hits", "threads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)} is not a positive number")
        if self.steps < 0:
            raise ValueError(f"steps: {self.steps} is negative")

    @property
    def docs(self) -> Path:
        """The collection's folder."""
        return self.output / "docs"

    @property
    def pages(self) -> Path:
        """The collection's knowledge source."""
        return self.docs / PAGES

    def index(self, system: str) -> Path:
        """A system's Lucene index."""
        return self.output / "indexes" / system.lower()

    def run_file(self, system: str, task: str) -> Path:
        """A system's run on one task."""
        return self.output / "runs" / f"{system}.{task}.trec"
