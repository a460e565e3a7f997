from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.vectors import EMPTY_DOCUMENT, EMPTY_QUERY
from hyper_ir.encode.tokens import is_safe, lucene_tokens


@given(st.lists(st.text(max_size=300), max_size=20, unique=True))
def test_names_are_one_to_one_and_survive_splitting(vocabulary: list[str]) -> None:
    names = lucene_tokens(vocabulary)
    assert len(set(names)) == len(names) == len(vocabulary)
    assert " ".join(names).split() == names
    assert all(0 < len(name.encode("utf-16-le")) // 2 <= 255 for name in names)


def test_common_tokens_keep_their_names() -> None:
    common = ["the", "##ing", "Ġthe", "ĊĊ", '"', "#", "[CLS]", "\\", "é", "中", "</s>", "▁of"]
    assert lucene_tokens(common) == common


def test_what_lucene_would_alter_is_renamed() -> None:
    odd = ["", "  ", "a b", "\t", "\x00", "\x85", " ", "x" * 256, EMPTY_DOCUMENT, EMPTY_QUERY]
    assert not any(is_safe(token) for token in [*odd, "[token-3]"])
    assert lucene_tokens(odd) == [f"[token-{i}]" for i in range(len(odd))]
