"""From topics to ranked lists: batches, what is done to each list, and how long it took."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import Generic, Protocol, TypeVar

from tqdm import tqdm

from hyper_ir.data.records import Hit
from hyper_ir.data.runs import remove_query
from hyper_ir.lucene.queries import require_positive
from hyper_ir.search.report import Report

Query = TypeVar("Query")
QueryIn = TypeVar("QueryIn", contravariant=True)

DEEPEST = 1_000_000
"""Lucene keeps a queue of as many hits as are asked for."""


class Searcher(Protocol[QueryIn]):
    """What all searchers have in common."""

    def search(
        self, queries: Sequence[tuple[str, QueryIn]], hits: int, threads: int = 1
    ) -> dict[str, list[Hit]]:
        """The best hits of every ``(id, query)``, by its id."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How many hits a topic gets, and of what.

    Attributes
    ----------
    hits: documents (passages) asked of the engine.
    without_query: drop the document with the topic's own id, and still give ``hits`` others.
    pages: collapse passages to pages, best passage first, at most so many; None for passages.
    delimiter: what stands between page and passage number; the last one in an id counts.
    fill_pages: look beyond ``hits`` passages until there are ``pages`` pages or no more
        passages. Stock Pyserini does not, so a topic can end up with fewer pages.
    """

    hits: int = 1000
    without_query: bool = False
    pages: int | None = None
    delimiter: str = "#"
    fill_pages: bool = False

    def __post_init__(self) -> None:
        if self.hits < 1 or (self.pages is not None and self.pages < 1):
            asked = self.hits if self.pages is None else min(self.hits, self.pages)
            raise ValueError(f"hits: at least 1 is needed, not {asked}")
        if not self.delimiter:
            raise ValueError("delimiter: an empty one separates nothing")


class Search(Generic[Query]):
    """Topics through a searcher, in batches.

    Parameters
    ----------
    searcher: a ``BM25Searcher``, ``ImpactSearcher`` or ``ExactSearcher``.
    depth: how many hits, and of what.
    batch_size: topics handed to the engine together.
    threads: topics that the engine works on at a time.

    Iterating over ``run(topics)`` fills ``report``.
    """

    def __init__(
        self, searcher: Searcher[Query], depth: Depth, batch_size: int = 64, threads: int = 1
    ) -> None:
        require_positive(batch_size=batch_size, threads=threads)
        self.searcher = searcher
        self.depth = depth
        self.batch_size = batch_size
        self.threads = threads
        self.report = Report(
            batch_size=batch_size,
            threads=threads,
            hits_asked=depth.hits,
            pages_asked=depth.pages,
            delimiter=depth.delimiter,
        )

    def run(
        self, topics: Sequence[tuple[str, Query]], progress: bool = True
    ) -> Iterator[tuple[str, list[Hit]]]:
        """Yield ``(topic id, hits)``, in the topics' order."""
        with tqdm(total=len(topics), desc="search", unit=" topics", disable=not progress) as bar:
            for batch in _batches(topics, self.batch_size):
                start = perf_counter()
                found = self._search(batch, self.depth.hits)
                self.report.batches.append((len(batch), perf_counter() - start))
                for id, _ in batch:
                    hits = found[id]
                    self.report.hits += len(hits)
                    self.report.empty += not hits
                    yield id, hits
                bar.update(len(batch))

    def lists(self, topics: Sequence[tuple[str, Query]]) -> dict[str, list[Hit]]:
        """The finished lists of some topics, by id: no batches, no progress."""
        return self._search(topics, self.depth.hits)

    def _search(self, batch: Sequence[tuple[str, Query]], hits: int) -> dict[str, list[Hit]]:
        """The finished lists of a batch, from ``hits`` passages each or, if need be, more."""
        depth = self.depth
        asked = hits + depth.without_query
        raw = self.searcher.search(batch, asked, self.threads)
        found: dict[str, list[Hit]] = {}
        short: list[tuple[str, Query]] = []
        for id, query in batch:
            passages = remove_query(raw[id], id) if depth.without_query else raw[id]
            passages = passages[:hits]
            found[id] = passages
            if depth.pages is not None:
                self._look_for_pages(passages)
                found[id] = collapse(passages, depth.delimiter, depth.pages)
                if len(found[id]) < depth.pages and len(raw[id]) == asked:
                    short.append((id, query))
        if short and depth.fill_pages and hits < DEEPEST:
            return found | self._search(short, min(4 * hits, DEEPEST))
        self.report.short += len(short)
        return found

    def _look_for_pages(self, passages: Sequence[Hit]) -> None:
        if not self.report.paged:
            self.report.paged = any(_page_of(hit, self.depth.delimiter) for hit in passages)


def collapse(hits: Iterable[Hit], delimiter: str, limit: int) -> list[Hit]:
    """Each page once, with the score of its best passage; ``hits`` stand best first.

    A page's id is what stands before the last delimiter of ``PAGE#N``.
    """
    pages: dict[str, Hit] = {}
    for hit in hits:
        if len(pages) >= limit:
            break
        page = _page_of(hit, delimiter) or hit.doc_id
        pages.setdefault(page, Hit(page, hit.score))
    return list(pages.values())


def _page_of(hit: Hit, delimiter: str) -> str:
    """What stands before the last delimiter of the id; empty where there is nothing."""
    return hit.doc_id.rpartition(delimiter)[0]


def stock_order(ids: Iterable[str]) -> list[str]:
    """The order in which stock Pyserini writes topics: by number if all are, else by text."""
    ids = list(ids)
    key: Callable[[str], int | str] = str
    if all(id.isascii() and id.removeprefix("-").isdigit() for id in ids):
        key = int
    return sorted(ids, key=key)


def _batches(topics: Sequence[tuple[str, Query]], size: int) -> Iterator[list[tuple[str, Query]]]:
    iterator = iter(topics)
    while batch := list(islice(iterator, size)):
        yield batch
