from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.search.pruning import keep_heaviest

vectors = st.dictionaries(st.text("abcé😀", min_size=1, max_size=3), st.integers(1, 4), max_size=9)


@given(vectors, st.integers(1, 10), st.randoms())
def test_the_heaviest_stay_whatever_order_they_come_in(
    vector: dict[str, int], terms: int, random: object
) -> None:
    items = list(vector.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    [(id, kept)] = keep_heaviest([("q", dict(items))], terms)
    expected = sorted(vector, key=lambda token: (-vector[token], token))[:terms]
    assert (id, kept) == ("q", {token: vector[token] for token in expected})


def test_none_keeps_all_and_less_than_one_is_refused() -> None:
    queries = [("q", {"b": 1, "a": 1}), ("p", {})]
    assert keep_heaviest(queries, None) == queries
    assert keep_heaviest(queries, 1) == [("q", {"a": 1}), ("p", {})]
    for terms in (0, -1):
        with pytest.raises(ValueError, match=f"at least 1 is needed, not {terms}"):
            keep_heaviest([], terms)
