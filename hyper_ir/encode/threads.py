"""Work spread over threads that each compute alone, instead of each product over all cores.

Small products share badly: torch's attention of 2,048 tokens takes two cores as long as one. And a
product on one core is summed in one order, however many cores the machine has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

_alone = Lock()
"""torch's number of threads belongs to the process: one call at a time changes it."""


def one_core_each(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """``work`` of each item, in order, as many at a time as torch has threads, each on one core.

    The first item is done before the others: what it prepares for all is prepared once.
    """
    with _alone, threads(1) as cores:
        first = [work(item) for item in items[:1]]
        if cores == 1 or len(items) < 3:
            return first + [work(item) for item in items[1:]]
        with ThreadPoolExecutor(cores, "encoding") as pool:
            return first + list(pool.map(work, items[1:]))


@contextmanager
def threads(number: int) -> Iterator[int]:
    """Let torch use so many threads; gives how many it used before, and restores that."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield before
    finally:
        torch.set_num_threads(before)
