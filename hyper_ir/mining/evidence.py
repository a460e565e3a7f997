"""One pass over the corpus: of each passage that concerns a query, what mining must know of it.

A passage concerns a query that found it or on whose gold page it lies. Its text is normalised
once, searched for the answers of those queries, and forgotten.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hyper_ir.data.records import Passage, page_of
from hyper_ir.mining.answers import has_answer, normalised, padded
from hyper_ir.mining.candidates import NOWHERE, ByDocument, Candidates
from hyper_ir.mining.tasks import MiningQuery

BLOCK = 4096

COPY_TOKENS = 10
"""The fewest tokens by which a text, its title aside, tells a copy: *See also* stands anywhere."""

# How a passage stands to the evidence of a query. The first four say what names it.
JUDGED = 1  # the passage itself is judged
PAGE = 2  # its page is judged
NAMED = 4  # the provenance names it
SIBLING = 8  # another passage of its page is judged
ANSWER = 16  # it contains an answer
FIRST = 32  # it is the first of its page in the corpus


class GoldPassage(NamedTuple):
    """A passage that lies on a gold page of a query, or is judged for it.

    Attributes
    ----------
    row: its number among all passages that were taken note of, in the corpus's order.
    id: its id.
    bits: how it stands to the query: ``JUDGED``, …
    """

    row: int
    id: str
    bits: int


class Ids:
    """Strings by number, in a few bytes more than their own."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("q")

    def __len__(self) -> int:
        return len(self._ends)

    def append(self, id: str) -> None:
        """Add the next string."""
        self._text += id.encode()
        self._ends.append(len(self._text))

    def __getitem__(self, row: int) -> str:
        start = self._ends[row - 1] if row else 0
        return self._text[start : self._ends[row]].decode()


@dataclass
class Evidence:
    """What the pass found.

    Attributes
    ----------
    rows: the row of every candidate, by its number; -1 where the corpus lacks it.
    contains: for every hit (a place in ``Candidates.documents``), whether it has an answer.
    ids: the id of every row.
    texts: by row, what is equal for copies of one text.
    found: judged ids that the corpus has, as a passage or as a page.
    passages: how many the corpus has.
    """

    rows: NDArray[np.int64]
    contains: bytearray
    ids: Ids = field(default_factory=Ids)
    texts: array[int] = field(default_factory=lambda: array("q"))
    found: set[str] = field(default_factory=set)
    passages: int = 0
    _gold: tuple[array[int], array[int], array[int]] = field(
        default_factory=lambda: (array("i"), array("q"), array("B"))
    )

    def note_gold(self, query: int, row: int, bits: int) -> None:
        """Note that the passage of this row is evidence of the query, or lies beside some."""
        for column, value in zip(self._gold, (query, row, bits), strict=True):
            column.append(value)

    def gold_of_all(self, count: int) -> Iterator[list[GoldPassage]]:
        """The gold passages of query 0, 1, … of ``count``, each in the corpus's order."""
        queries = np.frombuffer(self._gold[0], dtype=np.int32)
        order = np.argsort(queries, kind="stable")
        ends = np.searchsorted(queries[order], np.arange(count), side="right").tolist()
        start = 0
        for end in ends:
            places = order[start:end].tolist()
            rows = [self._gold[1][place] for place in places]
            yield [
                GoldPassage(row, self.ids[row], self._gold[2][place])
                for row, place in zip(rows, places, strict=True)
            ]
            start = end


class EvidencePass:
    """Reads a corpus for the given queries and candidates; ``run`` does it.

    Parameters
    ----------
    queries: all queries of all tasks; a query's number is its place.
    candidates: what was found for them.
    """

    def __init__(self, queries: Sequence[MiningQuery], candidates: Candidates) -> None:
        self.queries = queries
        self.candidates = candidates
        self._by_id: dict[str, list[tuple[int, int]]] = {}
        self._by_page: dict[str, list[tuple[int, int]]] = {}
        for number, query in enumerate(queries):
            self._register(number, query)
        wanted = np.array([bool(query.answers) for query in queries], dtype=bool)
        self._finders = ByDocument(candidates, wanted)
        self._pages_met: set[str] = set()

    def _register(self, number: int, query: MiningQuery) -> None:
        for name in query.gold:
            self._by_page.setdefault(name, []).append((number, PAGE))
            if query.grades:
                self._by_id.setdefault(name, []).append((number, JUDGED))
                if (page := page_of(name)) != name:
                    self._by_page.setdefault(page, []).append((number, SIBLING))
        for name in query.named:
            self._by_id.setdefault(name, []).append((number, NAMED))

    def run(self, corpus: Iterable[Passage]) -> Evidence:
        """Read the corpus once; raises what reading it raises."""
        evidence = Evidence(
            rows=np.full(len(self.candidates.keys), NOWHERE, dtype=np.int64),
            contains=bytearray(len(self.candidates.documents)),
        )
        passages = iter(corpus)
        while block := list(islice(passages, BLOCK)):
            numbers = self.candidates.numbers_of([passage.id for passage in block])
            evidence.passages += len(block)
            for passage, number in zip(block, numbers, strict=True):
                standing = self._standing(passage.id, evidence)
                if standing or number != NOWHERE:
                    self._note(passage, number, standing, evidence)
        return evidence

    def _standing(self, id: str, evidence: Evidence) -> dict[int, int]:
        """How the passage stands to the queries whose evidence it is, by the query's number."""
        page = page_of(id)
        on_page, itself = self._by_page.get(page), self._by_id.get(id)
        if on_page is None and itself is None:
            return {}
        if on_page is not None:
            evidence.found.add(page)
        if itself is not None:
            evidence.found.add(id)
        first = 0 if page in self._pages_met else FIRST
        self._pages_met.add(page)
        standing: dict[int, int] = {}
        for query, bit in [*(on_page or ()), *(itself or ())]:
            standing[query] = standing.get(query, first) | bit
        return standing

    def _note(
        self, passage: Passage, number: int, standing: dict[int, int], evidence: Evidence
    ) -> None:
        title, text = _title_and_text(passage)
        whole = padded(f"{title} {text}".strip())
        row = len(evidence.ids)
        evidence.ids.append(passage.id)
        evidence.texts.append(_key(text if text.count(" ") >= COPY_TOKENS - 1 else whole))
        if number != NOWHERE:
            evidence.rows[number] = row
            for place, query in self._finders.of(number):
                evidence.contains[place] = has_answer(whole, self.queries[query].answers)
        for query, bits in standing.items():
            if has_answer(whole, self.queries[query].answers):
                bits |= ANSWER
            # What no query found, and what neither answers nor opens a page, is never asked for.
            if bits & (ANSWER | FIRST | JUDGED | NAMED) or number != NOWHERE:
                evidence.note_gold(query, row, bits)


def _title_and_text(passage: Passage) -> tuple[str, str]:
    """Both normalised: the field ``title``, or the first line of Pyserini's contents, and the rest.

    So that a page's passages give the same, however they were written.
    """
    fields = passage.fields
    if "title" in fields:
        rest = "\n".join(text for name, text in fields.items() if name != "title")
        return normalised(fields["title"]), normalised(rest)
    first, line_end, rest = passage.contents.partition("\n")
    return (normalised(first), normalised(rest)) if line_end else ("", normalised(first))


def _key(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
