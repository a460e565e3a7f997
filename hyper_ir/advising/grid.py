"""The settings that are compared: quantisation factor × terms of a document × terms of a query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

ALL = "all"


@dataclass(frozen=True, slots=True)
class IndexSetting:
    """How documents are pruned; settings of one index differ in their queries alone.

    Attributes
    ----------
    factor: impact = round(weight × factor).
    top_k: terms kept of a document, the heaviest; None for all.
    """

    factor: float
    top_k: int | None

    @property
    def name(self) -> str:
        """A word, for files: ``f50-k128``."""
        return f"f{self.factor:g}-k{_term(self.top_k)}"


@dataclass(frozen=True, slots=True)
class Setting:
    """One cell of the grid.

    Attributes
    ----------
    index: how documents are pruned.
    query_terms: terms kept of a query, the heaviest; None for all.
    """

    index: IndexSetting
    query_terms: int | None

    @property
    def name(self) -> str:
        """A word, for files and tables: ``f50-k128-q16``."""
        return f"{self.index.name}-q{_term(self.query_terms)}"


@dataclass(frozen=True)
class Grid:
    """All settings, and the one that they are compared with.

    Attributes
    ----------
    unpruned: the vectors as they are, searched by whole queries.
    settings: every one once, ``unpruned`` among them, first.
    """

    unpruned: Setting
    settings: tuple[Setting, ...]

    @property
    def indexes(self) -> list[IndexSetting]:
        """The indexes that the settings need, each once."""
        return list(dict.fromkeys(setting.index for setting in self.settings))

    def of(self, index: IndexSetting) -> list[Setting]:
        """The settings that search one index."""
        return [setting for setting in self.settings if setting.index == index]


def make_grid(
    own_factor: float,
    factors: Sequence[float] | None,
    top_ks: Sequence[int],
    query_terms: Sequence[int],
) -> Grid:
    """Every combination, and the unpruned setting whether it is asked for or not.

    Parameters
    ----------
    own_factor: that of the vectors; a greater one would invent digits.
    factors: None for the vectors' own, and 50, 25 and 10 as far as they are below it.
    top_ks, query_terms: 0 for all.

    Raises ValueError for an empty list, a negative number, and a factor that is not positive or
    above the vectors' own.
    """
    if factors is None:
        factors = [own_factor, *(factor for factor in (50.0, 25.0, 10.0) if factor < own_factor)]
    for name, values in (("factors", factors), ("top-k", top_ks), ("query terms", query_terms)):
        if not values:
            raise ValueError(f"{name}: at least one value is needed")
    for factor in factors:
        if not 0 < factor <= own_factor:
            raise ValueError(
                f"factors: {factor:g} is not above 0 and at most {own_factor:g}, the factor that "
                "the vectors were made with; what it has rounded away cannot come back"
            )
    unpruned = Setting(IndexSetting(float(own_factor), None), None)
    cells = product(factors, _limits(top_ks, "top-k"), _limits(query_terms, "query terms"))
    settings = [
        Setting(IndexSetting(float(factor), top_k), terms) for factor, top_k, terms in cells
    ]
    return Grid(unpruned, tuple(dict.fromkeys([unpruned, *settings])))


def _limits(values: Iterable[int], name: str) -> list[int | None]:
    for value in values:
        if value < 0:
            raise ValueError(f"{name}: {value} is negative; 0 keeps all terms")
    return [value or None for value in values]


def _term(limit: int | None) -> str:
    return ALL if limit is None else str(limit)
