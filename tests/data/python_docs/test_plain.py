from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.python_docs.plain import (
    container_in_words,
    first_words,
    key,
    name_in_words,
    plain,
    sentences,
)


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("See :func:`~scipy.linalg.svd` or :meth:`run() <a.run>`.", "See svd or run()."),
        ("the ``axis``  argument\nof `reduce`", "the axis argument of reduce"),
        ("`the manual <https://example.org>`_ says [1]_", "the manual says"),
        ("**never** *ever* 2*3*4 as written", "never ever 2*3*4 as written"),
        ("as follows::", "as follows:"),
        ("a::b stays", "a::b stays"),
        ("plain text", "plain text"),
    ],
)
def test_markup_goes_and_words_stay(marked: str, expected: str) -> None:
    assert plain(marked) == expected


@pytest.mark.parametrize(
    ("identifier", "words"),
    [
        ("to_csv", "to csv"),
        ("TableReader", "table reader"),
        ("KMeans", "kmeans"),
        ("HTTPServer", "HTTP server"),
        ("ks_2samp", "ks 2samp"),
        ("slice_", "slice"),
    ],
)
def test_identifiers_are_split_into_words(identifier: str, words: str) -> None:
    assert name_in_words(identifier) == words


def test_containers_keep_their_capitals() -> None:
    assert container_in_words("sklearn.linear_model.LinearRegression") == (
        "sklearn linear model LinearRegression"
    )


def test_abbreviations_end_no_sentence() -> None:
    text = "Use it, e.g. Newton's. It follows J. Smith. Done!"
    assert sentences(text) == ["Use it, e.g. Newton's.", "It follows J. Smith.", "Done!"]


def test_a_cut_ends_with_a_sentence_where_one_lies_near() -> None:
    text = "One two three four. Five six seven eight nine."
    assert first_words(text, 6) == "One two three four."
    assert first_words(text, 3) == "One two three"
    assert first_words(text, 9) == text


@given(st.text(), st.integers(1, 20))
def test_a_cut_is_a_start_of_the_text_within_its_words(text: str, words: int) -> None:
    cut = first_words(text, words)
    assert len(cut.split()) <= words
    assert text.split()[: len(cut.split())] == cut.split()


@given(st.text())
def test_keys_do_not_change_when_taken_again(text: str) -> None:
    assert key(key(text)) == key(text)
    assert key(f"  {text}!! ") == key(text)
