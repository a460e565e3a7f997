"""Work spread over threads that may call Java."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from hyper_ir.lucene.jvm import leave

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(work: Callable[[Item], Result], items: Sequence[Item], threads: int) -> list[Result]:
    """``work`` of each item, in order; each thread takes the next item as soon as it is free.

    Unlike an executor's, these threads leave the JVM before they end. Raises what the first work
    raised that failed; nothing more is begun then.
    """
    waiting = iter(range(len(items)))
    done: dict[int, Result] = {}
    failed: list[BaseException] = []
    turn = threading.Lock()

    def one() -> None:
        try:
            while not failed:
                with turn:
                    place = next(waiting, None)
                if place is None:
                    return
                done[place] = work(items[place])
        except BaseException as error:  # raised again by whoever asked
            failed.append(error)
        finally:
            leave()

    working = [threading.Thread(target=one, daemon=True) for _ in range(threads)]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join()
    if failed:
        raise failed[0]
    return [done[place] for place in range(len(items))]
