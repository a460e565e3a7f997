from __future__ import annotations

import threading

import pytest

from hyper_ir.search.spreading import spread


@pytest.mark.parametrize("threads", [1, 3, 50])
def test_results_are_in_the_order_of_items(threads: int) -> None:
    assert spread(lambda item: item * item, range(40), threads) == [n * n for n in range(40)]
    assert spread(len, [], threads) == []


def test_all_threads_work_at_once() -> None:
    together = threading.Barrier(3, timeout=60)
    spread(lambda _: together.wait(), range(3), 3)


def test_the_first_failure_is_raised_and_ends_the_work() -> None:
    begun = []

    def work(item: int) -> None:
        begun.append(item)
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 0"):
        spread(work, range(10_000), 1)
    assert begun == [0]
