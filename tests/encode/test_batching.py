from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.encode.batching import by_length, token_batches

LENGTHS = st.lists(st.integers(0, 50), max_size=60)


@given(LENGTHS, st.integers(1, 100), st.one_of(st.none(), st.integers(1, 7)))
def test_every_text_is_in_one_batch_within_the_limits(
    lengths: list[int], tokens: int, texts: int | None
) -> None:
    batches = list(token_batches(lengths, tokens, texts))
    assert [place for batch in batches for place in batch] == by_length(lengths)
    assert sorted(by_length(lengths)) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[place] for place in batch)
        assert len(batch) == 1 or len(batch) * longest <= tokens
        assert texts is None or len(batch) <= texts


@given(LENGTHS, st.integers(1, 100), st.integers(1, 7))
def test_no_batch_could_take_the_next_text(lengths: list[int], tokens: int, texts: int) -> None:
    batches = list(token_batches(lengths, tokens, texts))
    for batch in batches[:-1]:
        longest = max(1, *(lengths[place] for place in batch))
        assert len(batch) == texts or (len(batch) + 1) * longest > tokens


@given(LENGTHS)
def test_longest_first_and_ties_in_their_order(lengths: list[int]) -> None:
    assert [(-lengths[place], place) for place in by_length(lengths)] == sorted(
        (-length, place) for place, length in enumerate(lengths)
    )
