"""BM25 of a batch's queries and documents against the formula, one pair at a time."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from torch import Tensor

from hyper_ir.data.records import Passage
from hyper_ir.training.contrastive import document_number
from hyper_ir.training.word_match import K1, NO_WORD, B, Matching, WordMatch

WORDS = ["comet", "orbit", "tail", "ice", "dust", "sun"]
"""Which are their own stems."""

TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=12), min_size=1, max_size=6).filter(any)


def passages(texts: list[list[str]]) -> list[Passage]:
    return [Passage(f"d{place}", {"text": " ".join(text)}) for place, text in enumerate(texts)]


def numbers(*places: int) -> Tensor:
    return torch.tensor([document_number(f"d{place}") for place in places])


def bm25(query: list[str], document: list[str], texts: list[list[str]]) -> float:
    """Robertson's formula as Lucene has it: without the constant k1 + 1, logarithm of 1 + odds."""
    mean = sum(map(len, texts)) / len(texts)
    total = 0.0
    for word in query:
        frequency = Counter(document)[word]
        holding = sum(word in text for text in texts)
        weight = math.log(1 + (len(texts) - holding + 0.5) / (holding + 0.5))
        total += weight * frequency / (frequency + K1 * (1 - B + B * len(document) / mean))
    return total


@budget(max_examples=60, deadline=None)
@given(TEXTS, st.lists(st.lists(st.sampled_from(WORDS), max_size=5), min_size=1, max_size=4))
def test_scores_are_the_formula_s(texts: list[list[str]], queries: list[list[str]]) -> None:
    match = WordMatch(passages(texts))
    words = match.words([" ".join(query) for query in queries])
    places = [*reversed(range(len(texts))), 0]
    found = match.scores(words, numbers(*places))
    assert found.dtype == torch.float32
    for row, query in zip(found.tolist(), queries, strict=True):
        expected = [bm25(query, texts[place], texts) for place in places]
        assert row == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_stop_words_are_left_out_and_others_stemmed() -> None:
    match = WordMatch(passages([["comets", "orbiting"], ["the", "sun"]]))
    words = match.words(["the comet of an orbit", "unheard", "", "comet comet"])
    assert (words != NO_WORD).sum(1).tolist() == [2, 0, 0, 2]
    scores = match.scores(words, numbers(0, 1))
    assert scores[0, 0] > 0
    assert not scores[1:3].any()
    assert not scores[:, 1].any()


def test_a_document_that_is_not_there_is_told() -> None:
    match = WordMatch(passages([["comet"], ["tail"]]))
    with pytest.raises(ValueError, match="lacks a document"):
        match.scores(match.words(["comet"]), numbers(0, 2))


@pytest.mark.parametrize("texts", [[], [[]], [["the", "of"]]])
def test_documents_without_words_are_refused(texts: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="no words"):
        WordMatch(passages(texts))


def test_a_query_s_best_allowed_document_gets_the_weight() -> None:
    texts = [["comet", "comet"], ["comet", "tail"], ["sun"]]
    match = WordMatch(passages(texts))
    queries = ["comet", "dust"]
    allowed = torch.tensor([[False, True, True], [True, True, True]])
    added = Matching(match, match.words(queries), 0.3).added(numbers(0, 1, 2), allowed)
    assert float(added[0, 1]) == pytest.approx(0.3)
    assert float(added[0, 0]) > 0.3  # it does not count, and is masked later
    assert not added[0, 2].any()
    assert not added[1].any()
    assert torch.isfinite(added).all()
