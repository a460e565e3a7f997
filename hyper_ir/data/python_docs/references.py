"""Which page a reference in a See Also section means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from hyper_ir.data.python_docs.pages import Page

ALIASES = {"np": "numpy", "pd": "pandas", "ma": "numpy.ma"}


class References:
    """Resolves written names to pages as a reader would: nearest first, never by guess."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self.by_last: dict[str, list[Page]] = defaultdict(list)
        self.by_id: dict[str, Page] = {}
        for page in pages:
            self.by_last[page.own_name].append(page)
            self.by_id[page.id] = page
        self.packages = {name.partition(".")[0] for name in self.by_id}

    def resolve(self, written: str, source: Page) -> Page | None:
        """The page that ``written`` on page ``source`` means; None when none or several fit."""
        head, dot, tail = written.partition(".")
        written = ALIASES.get(head, head) + dot + tail
        outer = written.split(".")[:-1]
        if outer and outer[0] in self.packages:
            page = self.by_id.get(written)
            return page if page is not source else None
        fitting = [
            page
            for page in self.by_last.get(written.rpartition(".")[2], ())
            if page is not source and _names(outer, page.container.split("."))
        ]
        if not fitting:
            return None
        nearness = [(_shared(page.id, source.id), -len(page.id.split("."))) for page in fitting]
        best = max(nearness)
        nearest = [page for page, near in zip(fitting, nearness, strict=True) if near == best]
        own_package = best[0] > 0 or len(outer) > 0
        return nearest[0] if len(nearest) == 1 and own_package else None


def _names(written: list[str], container: list[str]) -> bool:
    """Whether the written parts occur in the container's name in their order."""
    places = iter(container)
    return all(part in places for part in written)


def _shared(name: str, other: str) -> int:
    """How many parts two dotted names share at their start."""
    count = 0
    for mine, theirs in zip(name.split("."), other.split("."), strict=False):
        if mine != theirs:
            break
        count += 1
    return count
