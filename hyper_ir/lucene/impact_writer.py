"""Sparse vectors into a Lucene index: a weight is given as a frequency, not as so many words.

Anserini writes a vector out as text, each token as often as it weighs, and has Lucene count the
words again: tens of thousands for one SPLADE vector. Here each token stands once, its weight behind
it, and Lucene's DelimitedTermFrequencyTokenFilter sets the frequency. What comes out is the same,
byte for byte, but for the random ids that Lucene gives to segments.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import Any

from hyper_ir.lucene import jvm
from hyper_ir.lucene.reading_ahead import read_ahead

DELIMITER = "\x01"
"""Between a token and its weight: no white space for Java, and in no model's vocabulary."""

LARGEST_TOTAL = 2**31 - 1
"""The most that the weights of a document may sum to: Lucene counts its words in an int."""

LONGEST_WITH_WEIGHT = 255 + 1 + 10
"""UTF-16 code units of the longest token, the delimiter, and the largest weight."""

LARGEST_BUFFER = 1024
"""MiB that documents may fill before Lucene writes a segment, where the heap is large."""

BATCH = 256
"""Documents that are handed over at once."""

WAITING = 4
"""Batches that are read and not yet written, at most."""

Vectors = Iterable[tuple[str, Mapping[str, int]]]


def complaint(vector: Mapping[str, int]) -> str | None:
    """Why a vector that ``read_vectors`` takes cannot be written; None when it can."""
    if sum(vector.values()) > LARGEST_TOTAL:
        return f"the weights sum to over {LARGEST_TOTAL:,}; quantise by a smaller factor"
    if DELIMITER in "".join(vector):
        return "a token holds the control character U+0001, which stands before weights here"
    return None


def write_impacts(
    vectors: Vectors,
    folder: str | os.PathLike[str],
    optimize: bool = False,
    what: str = "index",
) -> int:
    """Index ``(id, {token: weight})`` into an empty folder; returns the number of documents.

    The vectors are such as ``read_vectors`` yields and :func:`complaint` has nothing to say about.
    A thread reads while this one writes; documents stand in the order they came in. ``optimize``
    merges all into one segment. ``what`` begins messages. Memory: the JVM's heap, and some batches.

    Raises ValueError with Lucene's words where it fails (a full disk, no memory).
    """
    with _Writer(folder, what) as writer, read_ahead(_batches(vectors), WAITING) as batches:
        for batch in batches:
            writer.add(batch)
        return writer.finish(optimize)


def _batches(vectors: Vectors) -> Iterator[list[tuple[str, str]]]:
    iterator = iter(vectors)
    while batch := [(id, _written(vector)) for id, vector in islice(iterator, BATCH)]:
        yield batch


def _written(vector: Mapping[str, int]) -> str:
    return " ".join([f"{token}{DELIMITER}{weight}" for token, weight in vector.items()])


class _Writer:
    """Lucene's IndexWriter with Anserini's settings for impacts.

    One thread calls it, and Java: pyjnius keeps the object that a method is called on with the
    class, so that two threads that call one method take each other's object.
    """

    def __init__(self, folder: str | os.PathLike[str], what: str) -> None:
        self.what = what
        self.lucene = jvm.java_class
        config = self.lucene("org.apache.lucene.index.IndexWriterConfig")(self._analyzer())
        config.setSimilarity(self.lucene("io.anserini.search.similarity.ImpactSimilarity")())
        config.setUseCompoundFile(False)
        config.setRAMBufferSizeMB(float(self._buffer()))
        directory = self.lucene("org.apache.lucene.store.FSDirectory")
        path = self.lucene("java.io.File")(os.fspath(folder)).toPath()
        with jvm.java_errors(what):
            self.writer = self.lucene("org.apache.lucene.index.IndexWriter")(
                directory.open(path), config
            )
        self.document = _Document(self.lucene)
        self.closed = False

    def _analyzer(self) -> Any:
        options = self.lucene("java.util.HashMap")
        words, weights = options(), options()
        words.put("maxTokenLen", str(LONGEST_WITH_WEIGHT))
        weights.put("delimiter", DELIMITER)
        builder = self.lucene("org.apache.lucene.analysis.custom.CustomAnalyzer").builder()
        builder.withTokenizer("whitespace", words)
        builder.addTokenFilter("delimitedTermFrequency", weights)
        return builder.build()

    def _buffer(self) -> int:
        heap = int(self.lucene("java.lang.Runtime").getRuntime().maxMemory()) // 2**20
        return max(16, min(LARGEST_BUFFER, heap // 4))

    def add(self, batch: Sequence[tuple[str, str]]) -> None:
        """Add documents: an id, and tokens with their weights, written out."""
        with jvm.java_errors(self.what):
            for id, contents in batch:
                self.writer.addDocument(self.document.filled(id, contents))

    def finish(self, optimize: bool) -> int:
        """Write what is in memory, and wait for merges; the number of documents."""
        with jvm.java_errors(self.what):
            if optimize:
                self.writer.forceMerge(1)
            self.writer.commit()
            documents = int(self.writer.getDocStats().numDocs)
            self.closed = True
            self.writer.close()
        return documents

    def __enter__(self) -> _Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.closed:
            with jvm.java_errors(self.what):
                self.writer.rollback()


class _Document:
    """One document whose fields are filled again and again: Anserini's for vectors."""

    def __init__(self, lucene: Any) -> None:
        from jnius import cast

        package = "org.apache.lucene.document"
        text = cast("java.lang.CharSequence", lucene("java.lang.String")(""))
        stored = lucene(f"{package}.Field$Store").YES
        kind = lucene(f"{package}.FieldType")()
        kind.setIndexOptions(lucene("org.apache.lucene.index.IndexOptions").DOCS_AND_FREQS)
        self.bytes = lucene("org.apache.lucene.util.BytesRef")
        self.id = lucene(f"{package}.StringField")("id", "", stored)
        self.order = lucene(f"{package}.BinaryDocValuesField")("id", self.bytes())
        self.contents = lucene(f"{package}.Field")("contents", text, kind)
        self.document = lucene(f"{package}.Document")()
        for field in (self.id, self.order, self.contents):
            self.document.add(field)

    def filled(self, id: str, contents: str) -> Any:
        """The document with these fields."""
        self.id.setStringValue(id)
        self.order.setBytesValue(self.bytes(id.encode("utf-8")))
        self.contents.setStringValue(contents)
        return self.document
