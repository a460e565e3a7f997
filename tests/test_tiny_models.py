from __future__ import annotations

import pytest

from tests.tiny_models import FAMILIES, TEXTS, tokenizer


@pytest.mark.parametrize("family", FAMILIES)
def test_a_vocabulary_is_the_same_every_time(family: str) -> None:
    first, *others = (tokenizer(family) for _ in range(4))
    assert all(made.get_vocab() == first.get_vocab() for made in others)
    assert sorted(first.get_vocab().values()) == list(range(len(first)))


@pytest.mark.parametrize("family", FAMILIES)
def test_known_texts_have_no_unknown_piece_and_are_split(family: str) -> None:
    made = tokenizer(family)
    pieces = [made.tokenize(text) for text in TEXTS]
    assert made.unk_token not in {piece for text in pieces for piece in text}
    assert sum(map(len, pieces)) > sum(len(text.split()) for text in TEXTS)
