"""The systems of the paper's tables: in what each departs from the recipe of HypeR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class System:
    """A row of a table.

    Attributes
    ----------
    name: in the names of cells.
    title: in tables.
    changes: of the recipe, by dotted keys, in this order.
    """

    name: str
    title: str
    changes: Mapping[str, Any] = field(default_factory=dict)


BM25 = System("BM25", "BM25")
ZERO = System("zero", "zero")
HYPER = System("HypeR", "HypeR")
MULTITASK = System("MT", "MT", {"prompts": None})
# What a recipe says of many prompts goes first: a prefix is one, and has no queries to cluster.
PREFIX = System(
    "prefix",
    "prefix",
    {
        "prompts.prompts": None,
        "prompts.initialisation": None,
        "prompts.preset": "prefix-tuning",
    },
)
FINE_TUNED = System("FT", "FT", {"prompts": None})
MAIN = (HYPER, MULTITASK, PREFIX)

UNIFORM = System(
    "HypeR-uniform",
    "w/o query-conditional",
    {"prompts.initialisation": None, "prompts.query_conditional": False},
)
ABLATIONS = (
    UNIFORM,
    System("HypeR-no-alignment", "w/o alignment", {"objective.alignment": False}),
    System("HypeR-no-uniformity", "w/o uniformity", {"objective.uniformity": False}),
)

CROSS_DOMAIN = "cross-domain"
"""The variant whose backbone is frozen: prompts and their maps alone are trained."""

RELEASED = System(
    "HypeR-released",
    "HypeR, released code",
    {
        "prompts.initialisation": None,
        "prompts.preset": "released",
        "objective.cpr_reduction": "sum",
    },
)

SIDE_TITLES = {"splade": "SPLADE", "dpr": "DPR"}


def title_of(side: str, system: System) -> str:
    """What a system is called in tables: ``SPLADE-HypeR``."""
    return f"{SIDE_TITLES[side]}-{system.title}" if side else system.title
