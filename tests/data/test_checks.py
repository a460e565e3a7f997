from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.checks import checked_id, checked_text, shortened

ANY_TEXT = st.text(st.characters())


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "missing"),
        ("", "empty"),
        (True, "of type bool"),
        (1.0, "of type float"),
        (["a"], "of type list"),
        ("a b", "white space"),
        ("a\tb", "white space"),
        ("a\u00a0b", "white space"),
        ("a\nb", "white space"),
        ("a\0b", "control character"),
        ("a\ud800", "control character"),
        ("é" * 16_384, "longer than 32,766 bytes"),
    ],
)
def test_what_is_no_id(value: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        checked_id(value, "_id")


def test_an_integer_is_an_id() -> None:
    assert checked_id(42, "id") == "42"
    assert checked_id(-1, "id") == "-1"


def test_the_longest_id() -> None:
    assert len(checked_id("é" * 16_383, "id").encode()) == 32_766


@given(ANY_TEXT)
def test_a_passed_id_survives_a_line_of_columns(value: str) -> None:
    bad = not value or any(
        char.isspace() or unicodedata.category(char) in ("Cc", "Cs") for char in value
    )
    if bad:
        with pytest.raises(ValueError, match="id"):
            checked_id(value, "id")
    else:
        line = f"{checked_id(value, 'id')} Q0 doc"
        assert line.encode().decode().split() == [value, "Q0", "doc"]


@given(ANY_TEXT)
def test_a_passed_text_is_what_utf8_holds_without_nul(value: str) -> None:
    try:
        fine = "\0" not in value.encode().decode()
    except UnicodeEncodeError:
        fine = False
    if fine:
        assert checked_text(value, "text") == value
    else:
        with pytest.raises(ValueError, match="text holds"):
            checked_text(value, "text")


def test_null_is_the_empty_text_and_a_number_is_none() -> None:
    assert checked_text(None, "title") == ""
    with pytest.raises(ValueError, match="title is of type int; a string"):
        checked_text(3, "title")


@given(ANY_TEXT)
def test_a_shortened_value_fits_any_terminal(value: str) -> None:
    assert shortened(value).isascii()
    assert len(shortened(value)) <= 60


def test_of_a_large_or_deep_value_the_beginning_is_shown() -> None:
    assert shortened([1, "é", None]) == "[1, '\\xe9', None]"
    assert shortened(0.5) == "0.5"
    assert shortened([0] * 10_000_000).startswith("[0, 0, 0")
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert shortened(deep) == "[[[[[[[...]]]]]]]"
    assert len(shortened({str(number): "x" * 100 for number in range(1000)})) == 60
    while deep:  # so that freeing it does not recurse
        deep = deep.pop()  # type: ignore[assignment]
