from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data import seen_ids
from hyper_ir.data.seen_ids import Duplicates, SeenIds


@given(st.lists(st.text(max_size=3)))
def test_seen_ids_are_a_set(ids: list[str]) -> None:
    seen = SeenIds()
    plain: set[str] = set()
    for id in ids:
        assert seen.add(id) == (id not in plain)
        plain.add(id)
        assert len(seen) == len(plain)


def test_the_table_grows_and_stays_within_its_stated_memory() -> None:
    seen = SeenIds()
    for number in range(20_000):
        assert seen.add(f"PAGE{number}")
        if number > 2_000:
            assert 10 <= 8 * len(seen._slots) / len(seen) <= 22
    assert not any(seen.add(f"PAGE{number}") for number in range(20_000))


def places(ids: list[str]) -> list[tuple[str, str]]:
    return [(id, f"f:{number}") for number, id in enumerate(ids)]


def naive(ids: list[str]) -> list[str | None]:
    first: dict[str, str] = {}
    return [
        first[id] if id in first else first.setdefault(id, where) and None
        for id, where in places(ids)
    ]


@given(st.lists(st.sampled_from("abcdefgh"), max_size=30))
def test_duplicates_are_given_their_first_place(ids: list[str]) -> None:
    duplicates = Duplicates(lambda: places(ids), lookups=100)
    assert [duplicates.place_before(*each) for each in places(ids)] == naive(ids)


@given(st.lists(st.sampled_from("abcdefgh"), max_size=30))
def test_ids_that_share_a_hash_are_no_duplicates(ids: list[str]) -> None:
    # a hash of one value for all ids: every id looks as if it had come before
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seen_ids, "hash", lambda id: 7, raising=False)
        duplicates = Duplicates(lambda: places(ids), lookups=100)
        found = [duplicates.place_before(*each) for each in places(ids)]
    assert found == naive(ids)


def test_the_stream_is_read_again_a_limited_number_of_times() -> None:
    ids = ["a"] * 10
    opened = 0

    def reread() -> Iterator[tuple[str, str]]:
        nonlocal opened
        opened += 1
        yield from places(ids)

    duplicates = Duplicates(reread, lookups=3)
    found = [duplicates.place_before(*each) for each in places(ids)]
    assert found == [None] + ["f:0"] * 3 + ["an earlier record"] * 6
    assert opened == 3
