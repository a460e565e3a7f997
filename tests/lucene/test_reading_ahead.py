from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from hyper_ir.lucene.reading_ahead import read_ahead


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "reading"]


def test_items_come_in_their_order() -> None:
    with read_ahead(range(1000), 3) as items:
        assert list(items) == list(range(1000))


def test_no_more_is_read_than_asked_for() -> None:
    read = []

    def items() -> Iterator[int]:
        for number in range(10**9):
            read.append(number)
            yield number

    with read_ahead(items(), 3) as ahead:
        assert [next(ahead) for _ in range(5)] == [0, 1, 2, 3, 4]
        assert len(readers()) == 1
    assert len(read) <= 5 + 3 + 2
    assert not readers()


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_what_reading_raises_is_raised_in_its_place(kind: type[BaseException]) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise kind("line 2")

    with read_ahead(items(), 3) as ahead:
        assert next(ahead) == 1
        with pytest.raises(kind, match="line 2"):
            next(ahead)


def test_an_error_of_the_block_ends_the_reading() -> None:
    with pytest.raises(KeyError), read_ahead(range(10**9), 2):
        raise KeyError
    assert not readers()
