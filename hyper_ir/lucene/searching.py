"""Search in Lucene through Pyserini's own searchers: BM25 on texts, impacts on sparse vectors.

Several indexes are searched as one (``hyper_ir.lucene.opening``).

Anserini ranks by score, ties by document id; then it rounds scores to four decimals and lowers
the second, third, … of equal scores by 0.000001 each, as far as a 32-bit float can tell.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

from hyper_ir.data.records import Hit
from hyper_ir.lucene import jvm, pyserini_api
from hyper_ir.lucene.hits import HitsAsText, read_hits
from hyper_ir.lucene.idf import Idf
from hyper_ir.lucene.indexing import TextAnalysis
from hyper_ir.lucene.opening import (
    Indexes,
    Source,
    document_frequency,
    find_indexes,
    read_as_one,
)
from hyper_ir.lucene.queries import Vector, check_batch, check_queries
from hyper_ir.manifest import Manifest

_CONTAINERS = ("java.util.HashMap", "java.util.ArrayList", "java.lang.Integer")

_binding = threading.Lock()
"""pyjnius keeps the object that a method is called on with the class: two threads that fill maps of
their own take each other's without this. A searcher's search is one object's, and needs none."""

K1 = 0.9
B = 0.4


class BM25Searcher:
    """BM25 over a Lucene index of texts, or several as one.

    Parameters
    ----------
    index: folder of the index, folder of shards, or several of either.
    k1, b: BM25's parameters; Anserini's defaults.
    analysis: how queries become terms; by default as the index's manifest says its texts did.

    Raises ValueError where there is no index, or an impact index, or no Java.
    """

    def __init__(
        self,
        index: Source,
        *,
        k1: float = K1,
        b: float = B,
        analysis: TextAnalysis | None = None,
    ) -> None:
        if k1 < 0 or not 0 <= b <= 1:
            raise ValueError(f"k1 must be at least 0 and b between 0 and 1, not {k1} and {b}")
        self.indexes = find_indexes(index)
        self.manifest, path = self.indexes.manifest, self.indexes.paths[0]
        if is_impact(self.manifest):
            raise ValueError(f"index: {path} holds impacts, not texts; search it with --impact")
        self.analysis = analysis or analysis_of(self.manifest)
        pyserini = pyserini_api.load()
        with jvm.java_errors(f"index {path}"):
            self._searcher = pyserini.LuceneSearcher(str(path))
            if len(self.indexes.paths) > 1:
                read_as_one(self._searcher.object, self.indexes.paths, pyserini)
            self._searcher.set_bm25(k1, b)
            _set_analysis(self._searcher, self.analysis, pyserini)
            self.documents = int(self._searcher.object.get_total_num_docs())
            self._searcher.object = HitsAsText(self._searcher.object, pyserini)
        self._list = pyserini.autoclass("java.util.ArrayList")

    def search(
        self, queries: Sequence[tuple[str, str]], hits: int, threads: int = 1
    ) -> dict[str, list[Hit]]:
        """The best ``hits`` documents of every ``(id, text)``, by id; ids must differ."""
        check_batch([id for id, _ in queries], hits, threads)
        # A text has fewer words than characters; below Lucene's limit nothing changes.
        jvm.raise_clause_limit(max((len(text) for _, text in queries), default=0))
        ids, texts = [id for id, _ in queries], [text for _, text in queries]
        with jvm.java_errors("BM25 search"):
            with _binding:
                given = _java_list(self._list, texts), _java_list(self._list, ids)
            found = self._searcher.object.batch_search(*given, hits, threads)
        return _lists(found, ids, self.indexes)


class ImpactSearcher:
    """Impact search: a document's score is the sum of query weight × document weight.

    Parameters
    ----------
    index: folder of an impact index, folder of shards, or several of either. A few shards of a
        collection go by the whole collection's document frequencies, which they hold.
    min_idf: tokens whose idf, ln(documents / documents with the token), is not above it are
        left out of queries. 0 leaves out tokens that every document has; -1 keeps all.

    Raises ValueError where there is no index, or one of texts, or no Java.
    """

    def __init__(self, index: Source, *, min_idf: float = 0) -> None:
        self.indexes = find_indexes(index)
        self.manifest, path = self.indexes.manifest, self.indexes.paths[0]
        if self.manifest is not None and not is_impact(self.manifest):
            raise ValueError(f"index: {path} holds texts, not impacts; search it with --bm25")
        frequencies = self.indexes.frequencies()
        pyserini = pyserini_api.load()
        with jvm.java_errors(f"index {path}"):
            self._searcher = pyserini.LuceneImpactSearcher(str(path), _AsGiven(), min_idf)
            opened = self._searcher.object
            if len(self.indexes.paths) > 1:
                read_as_one(opened, self.indexes.paths, pyserini)
            self.documents = int(opened.get_total_num_docs())
            if frequencies is not None:
                known = frequencies.counts
                self._searcher.idf = Idf(frequencies.documents, lambda token: known.get(token, 0))
            elif len(self.indexes.paths) > 1:
                self._searcher.idf = Idf(self.documents, document_frequency(opened, pyserini))
            self._searcher.object = HitsAsText(opened, pyserini)
        self._map, self._list, self._integer = map(pyserini.autoclass, _CONTAINERS)

    def knows(self, token: str) -> bool:
        """Whether any document (of the whole collection) has the token."""
        return token in self._searcher.idf

    def idf(self, token: str) -> float | None:
        """``ln(documents / documents with the token)``; None where no document has it."""
        idf = self._searcher.idf
        return float(idf[token]) if token in idf else None

    def search(
        self, queries: Sequence[tuple[str, Vector]], hits: int, threads: int = 1
    ) -> dict[str, list[Hit]]:
        """The best ``hits`` documents of every ``(id, {token: weight})``, by id; ids must differ.

        A query without tokens, or without one that the index knows, finds nothing. Raises
        ValueError for weights that are no integers of at least 1 (or sum to over 10 million),
        and for a query of more than ``jvm.CLAUSE_LIMIT`` tokens of the index.
        """
        check_batch([id for id, _ in queries], hits, threads)
        check_queries(queries)
        ids, vectors = [id for id, _ in queries], [vector for _, vector in queries]
        with jvm.java_errors("impact search"):
            with _binding:
                given = self._in_java(vectors), _java_list(self._list, ids)
            found = self._searcher.object.batch_search(*given, hits, threads)
        return _lists(found, ids, self.indexes)

    def _in_java(self, vectors: Sequence[Vector]) -> Any:
        """Java's maps of the tokens whose idf is large enough, as Pyserini makes them."""
        idf, least = self._searcher.idf, self._searcher.min_idf
        found = []
        for vector in vectors:
            weights = self._map()
            for token, weight in vector.items():
                if token in idf and idf[token] > least:
                    weights.put(token, self._integer(weight))
            found.append(weights)
        return _java_list(self._list, found)


def _java_list(make: Any, items: Sequence[Any]) -> Any:
    made = make()
    for item in items:
        made.add(item)
    return made


class _AsGiven:
    """The query encoder that Pyserini's searcher asks: queries come encoded."""

    def encode(self, query: Vector) -> Vector:
        return query


def _lists(found: Any, ids: Sequence[str], indexes: Indexes) -> dict[str, list[Hit]]:
    """The lists by id; ValueError where a document stands in two of several indexes."""
    lists = {id: read_hits(found[id]) for id in ids}
    if len(indexes.paths) > 1:
        for hits in lists.values():
            names = Counter(hit.doc_id for hit in hits)
            if len(names) < len(hits):
                raise ValueError(
                    f"index: document {names.most_common(1)[0][0]!r} stands in two of the "
                    f"{len(indexes.paths)} indexes; each document belongs into one"
                )
    return lists


def is_impact(manifest: Manifest | None) -> bool:
    """Whether the manifest is that of an impact index (False where there is none)."""
    return manifest is not None and bool(manifest.config.get("impact"))


def analysis_of(manifest: Manifest | None) -> TextAnalysis:
    """How an index's texts became terms; Anserini's default where no manifest says it."""
    recorded = manifest.config.get("analysis") if manifest is not None else None
    return TextAnalysis(**recorded) if recorded else TextAnalysis()


def _set_analysis(searcher: Any, analysis: TextAnalysis, pyserini: pyserini_api.Pyserini) -> None:
    if analysis.pretokenized:
        whitespace = pyserini.autoclass("org.apache.lucene.analysis.core.WhitespaceAnalyzer")
        searcher.set_analyzer(whitespace())
    elif analysis.language != "en":
        searcher.set_language(analysis.language)
    elif analysis != TextAnalysis():
        english = pyserini.autoclass("io.anserini.analysis.DefaultEnglishAnalyzer")
        searcher.set_analyzer(
            english.fromArguments(analysis.stemmer, analysis.keep_stopwords, None)
        )
