from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hyper_ir.mining import answers
from tests.mining import naive

ODD = st.text("aAbÀé\u0301ΣσςİK日本١!-'.$ \t\n\u2028\u200b\u00ad\u0e33#", max_size=12)
TEXTS = st.one_of(st.text(max_size=12), ODD)


def contains(text: str, *found: str) -> bool:
    return answers.has_answer(answers.padded(answers.normalised(text)), answers.usable(found))


@given(text=TEXTS)
@example("ΑΣ'Σ. ΟΔΟΣ.Α")
def test_tokens_are_dprs(text: str) -> None:
    assert answers.normalised(text).split(" ") == (naive.tokens(text) or [""])


@given(text=TEXTS, found=st.lists(TEXTS, max_size=3), before=TEXTS, after=TEXTS)
def test_containing_is_dprs_loop(text: str, found: list[str], before: str, after: str) -> None:
    for whole in (text, before + text + after, f"{before} {' '.join(found)} {after}"):
        expected = naive.has_answer(whole, found)
        given = answers.usable(found, ignored=())
        assert answers.has_answer(answers.padded(answers.normalised(whole)), given) == expected


@pytest.mark.parametrize(
    ("text", "answer", "expected"),
    [
        ("He died in Nashville, Tennessee.", "nashville , tennessee", True),
        ("He died in Nashville, Tennessee.", "Nashville Tennessee", False),
        ("Beyoncé won", "beyonce", False),  # marks stay, as in DPR
        ("BEYONCE\u0301 won", "Beyoncé", True),
        ("the U.S. Army", "U.S.", True),
        ("1984 was", "84", False),
        ("carpet", "car", False),
        ("", "car", False),
        ("car", " ", False),
    ],
)
def test_words_count_as_wholes(text: str, answer: str, expected: bool) -> None:
    assert contains(text, answer) is expected


def test_ignored_and_empty_answers_are_none() -> None:
    assert answers.usable(["Yes", "NO", "yes.", "\u200b", "Paris", "paris "]) == (
        " yes . ",
        " paris ",
    )
    assert answers.usable(["Yes"], ignored=()) == (" yes ",)


def test_a_small_closed_set_over_many_queries_is_labels() -> None:
    label = [["SUPPORTS"], ["REFUTES"]] * 10
    assert answers.are_labels(label)
    assert answers.are_labels([*label, [], []])
    assert not answers.are_labels(label[:19])
    assert not answers.are_labels([*label, *([word] for word in "abcd")])
    assert answers.are_labels([*label, *([word] for word in "abc")])
    assert not answers.are_labels([[]] * 40)
