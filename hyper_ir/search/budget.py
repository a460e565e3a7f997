"""The most query terms that a latency budget allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from tqdm import tqdm

from hyper_ir.search.latency import Latency
from hyper_ir.wording import counted

_CURE = "give more, take a smaller model or --max-length, or encode the topics beforehand"


@dataclass(frozen=True)
class Budget:
    """What was found.

    Attributes
    ----------
    milliseconds: the budget.
    terms: the most query terms within it; None where whole queries are.
    latency: with these terms, measured once more after the search for their number.
    whole: the latency of whole queries.
    probes: numbers of terms that were tried, with their 95th percentile in milliseconds.
    """

    milliseconds: float
    terms: int | None
    latency: Latency
    whole: Latency
    probes: list[tuple[int, float]]

    def line(self) -> str:
        """The finding in words."""
        p95, whole = f"p95 {self.latency.p95:.1f} ms", f"{self.whole.p95:.1f} ms"
        if self.terms is None:
            return f"whole queries stay within {self.milliseconds:g} ms ({p95}): nothing was pruned"
        return (
            f"{counted(self.terms, 'query term')} at most stay within {self.milliseconds:g} ms "
            f"({p95}; whole queries {whole})"
        )

    def as_json(self) -> dict[str, Any]:
        """All figures, by name."""
        return asdict(self)


def terms_within(
    milliseconds: float,
    most: int,
    measure: Callable[[int], Latency],
    progress: bool = False,
) -> Budget:
    """Find the greatest number of terms whose 95th percentile stays within the budget.

    Parameters
    ----------
    milliseconds: the budget, of a query from text to hits.
    most: terms of the longest query: with so many, queries are whole.
    measure: the latency of queries cut to so many terms.

    Search time grows with terms, so the number is found by halving. What was found is measured
    once more, and lowered by tenths while noise had flattered it. Raises ValueError for a
    budget that is not positive, and for one that not even queries of one term keep.
    """
    if not 0 < milliseconds < float("inf"):
        raise ValueError(f"latency budget: {milliseconds:g} ms is not a positive number")
    probes: list[tuple[int, float]] = []
    bar = tqdm(desc=f"query terms within {milliseconds:g} ms", unit=" tried", disable=not progress)

    def probed(terms: int) -> Latency:
        latency = measure(terms)
        probes.append((terms, latency.p95))
        bar.set_postfix_str(f"{terms} terms, p95 {latency.p95:.1f} ms")
        bar.update()
        return latency

    with bar:
        return _search(milliseconds, most, probed, probes)


def _search(
    milliseconds: float,
    most: int,
    probed: Callable[[int], Latency],
    probes: list[tuple[int, float]],
) -> Budget:
    single = probed(1)
    _refuse(milliseconds, single)
    whole = probed(most) if most > 1 else single
    if whole.p95 <= milliseconds:
        return Budget(milliseconds, None, whole, whole, probes)
    terms = greatest(most, lambda number: probed(number).p95 <= milliseconds)
    latency = probed(terms)
    while latency.p95 > milliseconds and terms > 1:
        terms = max(1, terms - max(1, terms // 10))
        latency = probed(terms)
    _refuse(milliseconds, latency)
    return Budget(milliseconds, terms, latency, whole, probes)


def greatest(most: int, fits: Callable[[int], bool]) -> int:
    """The greatest number below ``most`` that fits, by halving; 1 fits and ``most`` does not.

    Whatever fits, all below it does.
    """
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low


def refuse_encoding(milliseconds: float, encoding: float) -> None:
    """Raise ValueError where the median query takes longer to be encoded alone.

    ``encoding`` is the median in milliseconds: the 95th percentile is no less.
    """
    if encoding > milliseconds:
        raise ValueError(
            f"latency budget: {milliseconds:g} ms cannot be kept: to encode a query alone takes "
            f"{encoding:.1f} ms (p50); {_CURE}"
        )


def _refuse(milliseconds: float, latency: Latency) -> None:
    if latency.p95 > milliseconds:
        raise ValueError(
            f"latency budget: {milliseconds:g} ms cannot be kept: with a single term a query "
            f"takes {latency.p95:.1f} ms (p95), {latency.encode_p95:.1f} ms of it to be encoded; "
            f"{_CURE}"
        )
