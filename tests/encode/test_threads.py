from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.encode.threads import one_core_each, threads


@pytest.fixture(params=[1, 3])
def cores(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@given(st.lists(st.integers()), st.booleans())
def test_results_stand_in_order(items: list[int], first_alone: bool) -> None:
    with threads(3):
        assert one_core_each(lambda item: item * 2, items, first_alone) == [
            item * 2 for item in items
        ]


def test_each_item_is_computed_on_one_core_and_threads_are_restored(cores: int) -> None:
    assert one_core_each(lambda _: torch.get_num_threads(), range(9)) == [1] * 9
    with threads(cores + 2) as was:
        assert (was, torch.get_num_threads()) == (cores, cores + 2)
    assert torch.get_num_threads() == cores


def test_several_are_computed_at_a_time_and_the_first_before_them(cores: int) -> None:
    if cores == 1:
        assert (
            one_core_each(lambda _: threading.get_ident(), range(3)) == [threading.get_ident()] * 3
        )
        return
    together = threading.Barrier(cores)  # passed only by as many threads at once
    done: list[int] = []

    def work(item: int) -> int:
        if item:
            together.wait(timeout=60)
            assert done[0] == 0
        done.append(item)
        return item

    assert one_core_each(work, range(1 + 2 * cores), True) == list(range(1 + 2 * cores))


def test_an_error_is_raised_and_threads_are_restored(cores: int) -> None:
    def work(item: int) -> int:
        if item == 4:
            raise ValueError("no")
        return item

    with pytest.raises(ValueError, match="no"):
        one_core_each(work, range(9))
    assert torch.get_num_threads() == cores
