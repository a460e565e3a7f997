"""Negatives from a backbone's own hits: what it takes for relevant, and is not."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hyper_ir.data.corpus import Corpus
from hyper_ir.data.records import Hit, Topic
from hyper_ir.mining.first_stage import FirstStage, FromSearcher
from hyper_ir.problems import Problems
from hyper_ir.reproduction.query_side import QuerySide


@dataclass(frozen=True)
class FromBackbone:
    """A first stage that mining can open: a backbone over its vectors of the collection.

    Attributes
    ----------
    opened: makes its query side and the searcher, which takes time.
    described: what the hits follow from, for the manifest.
    threads: of the searcher.
    """

    opened: Callable[[], tuple[QuerySide, Any]]
    described: Mapping[str, Any]
    threads: int = 1

    def check(self, corpus: Corpus) -> list[str]:
        """Its vectors are made of the grid's corpus, or checked against it with other inputs."""
        return []

    def open(self, problems: Problems, progress: bool) -> FirstStage:
        """Load the model and open the vectors."""
        return FromSearcher(_Encoding(*self.opened()), threads=self.threads, progress=progress)

    def files(self) -> list[str | os.PathLike[str]]:
        """None that an output could be."""
        return []

    def describe(self) -> dict[str, Any]:
        """What the hits follow from."""
        return {"backbone": dict(self.described)}


@dataclass(frozen=True)
class _Encoding:
    """A searcher of vectors that takes texts."""

    queries: QuerySide
    searcher: Any

    def search(
        self, queries: Sequence[tuple[str, str]], hits: int, threads: int = 1
    ) -> dict[str, list[Hit]]:
        asked = self.queries.encode([Topic(id, text) for id, text in queries])
        found: dict[str, list[Hit]] = self.searcher.search(asked, hits, threads)
        return found
