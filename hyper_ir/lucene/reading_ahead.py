"""Reading in a thread of its own, while the one that asked works on what was read."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

LOOK = 0.1
"""Seconds after which a reader that has no room looks whether it is still wanted."""


@dataclass(frozen=True)
class _End:
    """Stands behind the last item; ``error`` ended the reading, where one did."""

    error: BaseException | None = None


@contextmanager
def read_ahead(items: Iterable[Item], most: int) -> Iterator[Iterator[Item]]:
    """For the block, the items, up to ``most`` of them read before they are asked for.

    What reading raises, asking for the next item raises. When the block ends, reading does too.
    """
    reader = _Reader(items, most)
    reader.thread.start()
    try:
        yield reader.read()
    finally:
        reader.stop()


class _Reader(Generic[Item]):
    def __init__(self, items: Iterable[Item], most: int) -> None:
        self.items = items
        self.waiting: queue.Queue[Item | _End] = queue.Queue(most)
        self.unwanted = threading.Event()
        self.thread = threading.Thread(target=self._work, name="reading", daemon=True)

    def read(self) -> Iterator[Item]:
        while not isinstance(item := self.waiting.get(), _End):
            yield item
        if item.error is not None:
            raise item.error

    def stop(self) -> None:
        self.unwanted.set()
        self.thread.join()

    def _work(self) -> None:
        try:
            for item in self.items:
                if not self._put(item):
                    return
            self._put(_End())
        except BaseException as error:  # raised again where the items are asked for
            self._put(_End(error))

    def _put(self, item: Item | _End) -> bool:
        """Wait for room; False where nobody wants more."""
        while not self.unwanted.is_set():
            try:
                self.waiting.put(item, timeout=LOOK)
                return True
            except queue.Full:
                continue
        return False
