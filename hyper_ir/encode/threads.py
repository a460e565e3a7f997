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


def one_core_each(
    work: Callable[[Item], Result], items: Sequence[Item], first_alone: bool = False
) -> list[Result]:
    """``work`` of each item, in order, as many at a time as torch has threads, each on one core.

    ``first_alone``: do the first item before the others, which use what it prepares.
    """
    with _alone, threads(1) as cores:
        lead = items[: int(first_alone)]
        done = [work(item) for item in lead]
        rest = items[len(lead) :]
        if cores == 1 or len(rest) < 2:
            return done + [work(item) for item in rest]
        with ThreadPoolExecutor(cores, "encoding") as pool:
            return done + list(pool.map(work, rest))


@contextmanager
def threads(number: int) -> Iterator[int]:
    """Let torch use so many threads; gives how many it used before, and restores that."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield before
    finally:
        torch.set_num_threads(before)
