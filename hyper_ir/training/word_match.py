"""BM25 between a batch's queries and documents: what a teacher may know of their words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import bm25s
import numpy as np
import Stemmer
import torch
from scipy.sparse import csc_matrix, csr_matrix
from torch import Tensor

from hyper_ir.data.records import Passage
from hyper_ir.training.contrastive import document_number

K1, B = 0.9, 0.4
"""Anserini's defaults."""

NO_WORD = -1
"""Fills the rows of shorter queries."""


class WordMatch:
    """BM25 over passages, by bm25s: English stop words are left out, the others stemmed.

    It counts over the passages that it is given: over the documents of training examples a word's
    weight is not quite that of the whole collection.

    Parameters
    ----------
    passages: read once; their words' weights stay in memory.

    Raises
    ------
    ValueError
        When no passage has a word.
    """

    def __init__(self, passages: Iterable[Passage]) -> None:
        numbers, texts = [], []
        for passage in passages:
            numbers.append(document_number(passage.id))
            texts.append(passage.contents)
        self._stem = Stemmer.Stemmer("english")
        words = self._tokenised(texts)
        if not any(words):
            raise ValueError("teacher.bm25: the documents have no words")
        index = bm25s.BM25(k1=K1, b=B, method="lucene")
        index.index(words, show_progress=False)
        self._vocabulary: dict[str, int] = index.vocab_dict
        parts = (index.scores["data"], index.scores["indices"], index.scores["indptr"])
        shape = (len(numbers), len(parts[2]) - 1)
        order = np.argsort(numbers)
        self._numbers = np.array(numbers, dtype=np.int64)[order]
        self._weights = csc_matrix(parts, shape=shape).tocsr()[order]

    def _tokenised(self, texts: list[str]) -> list[list[str]]:
        words: list[list[str]] = bm25s.tokenize(
            texts, stopwords="en", stemmer=self._stem, return_ids=False, show_progress=False
        )
        return words

    def words(self, queries: Sequence[str]) -> Tensor:
        """Queries' words as ``(queries, most)``, int64, with NO_WORD after the last.

        A word that no passage has is left out; one that is said twice counts twice.
        """
        known = [
            [self._vocabulary[word] for word in row if word in self._vocabulary]
            for row in self._tokenised(list(queries))
        ]
        result = torch.full((len(known), max(map(len, known), default=0)), NO_WORD)
        for row, words in zip(result, known, strict=True):
            row[: len(words)] = torch.tensor(words, dtype=torch.int64)
        return result

    def scores(self, words: Tensor, numbers: Tensor) -> Tensor:
        """BM25 of every query and document, ``(queries, documents)``, float32, on words' device.

        Parameters
        ----------
        words: of :meth:`words`.
        numbers: ``(documents,)``, int64: each one's
            :func:`~hyper_ir.training.contrastive.document_number`.

        Raises
        ------
        ValueError
            For a document that was not among the passages.
        """
        wanted = numbers.cpu().numpy()
        rows = np.searchsorted(self._numbers, wanted).clip(max=len(self._numbers) - 1)
        if (self._numbers[rows] != wanted).any():
            raise ValueError("teacher.bm25: data.corpus lacks a document of the batch")
        said_words = words.cpu().numpy()
        query, place = np.nonzero(said_words != NO_WORD)
        columns = said_words[query, place]
        counts = np.ones(len(columns), dtype=np.float32)
        said = csr_matrix((counts, (query, columns)), shape=(len(words), self._weights.shape[1]))
        product = (said @ self._weights[rows].T).toarray().astype(np.float32)
        return torch.from_numpy(product).to(words.device)


@dataclass(frozen=True)
class Matching:
    """What BM25 adds to a teacher's scores of a batch.

    Attributes
    ----------
    match: the documents' words.
    words: the batch's queries', ``(queries, most)``.
    weight: what a query's best document gets.
    """

    match: WordMatch
    words: Tensor
    weight: float

    def added(self, numbers: Tensor, allowed: Tensor) -> Tensor:
        """``weight · BM25 /`` :func:`best_of`, ``(queries, documents)``, float32.

        Parameters
        ----------
        numbers: of the documents, ``(documents,)``.
        allowed: ``(queries, documents)``: which documents count.
        """
        scores = self.match.scores(self.words, numbers)
        return self.weight * scores / best_of(scores, allowed)


def best_of(scores: Tensor, allowed: Tensor | None = None) -> Tensor:
    """What a query's BM25 is divided by: its best, ``(queries, 1)``, above 0.

    BM25 grows with a query's length and rarity, an inner product of unit vectors does not: a
    query's own best document is the measure.

    ``allowed``: ``(queries, documents)``, which documents may be the best; None for all.
    """
    counting = scores if allowed is None else scores.masked_fill(~allowed, 0.0)
    return counting.amax(1, keepdim=True).clamp_min(torch.finfo(scores.dtype).tiny)
