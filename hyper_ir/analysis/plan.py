"""Which sections are made of what there is, decided before any work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

ATTENTION = ("attention", "map", "similar")
"""Sections that look at the prompt attention of topics."""

OF_NO_MODEL = ("speed", "sweeps")
"""Sections of measurements that were made elsewhere."""

SECTIONS = (*ATTENTION, "speed", "sweeps", "prefix-length")

_SHOWS = {
    "attention": "figure 2",
    "map": "figure 3",
    "similar": "table 6",
    "speed": "figure 4",
    "sweeps": "figure 5",
    "prefix-length": "figure 6",
}


@dataclass(frozen=True)
class Given:
    """What the command line gives."""

    model: bool
    topics: bool
    advice: bool
    sweeps: bool

    def lacks(self, section: str) -> str:
        """The flags that a section needs and that are missing, in words; empty where none is."""
        needed = {"speed": ["advice"], "sweeps": ["sweeps"], "prefix-length": ["model"]}
        missing = [n for n in needed.get(section, ["model", "topics"]) if not getattr(self, n)]
        flags = {"sweeps": "--grid or --sweeps"}
        return " and ".join(flags.get(name, f"--{name}") for name in missing)


@dataclass(frozen=True)
class Plan:
    """What is made, in the report's order, and what is left out and why, by section."""

    sections: list[str]
    left_out: dict[str, str]


def plan(given: Given, only: Sequence[str] | None) -> Plan:
    """The sections asked for, or all that can be made of what is given.

    Raises ValueError for an unknown section, for one that lacks something, and where nothing can
    be made.
    """
    for name in only or ():
        if name not in SECTIONS:
            raise ValueError(f"--only: {name!r} is no section; known are {', '.join(SECTIONS)}")
        if lacks := given.lacks(name):
            raise ValueError(f"--only {name} ({_SHOWS[name]}) needs {lacks}")
    wanted = [name for name in SECTIONS if only is None or name in only]
    left_out = {
        name: f"{name} ({_SHOWS[name]}) is left out: it needs {lacks}"
        for name in wanted
        if (lacks := given.lacks(name))
    }
    sections = [name for name in wanted if not given.lacks(name)]
    if not sections:
        raise ValueError(
            "nothing to make a report of: give --model and --topics for figures 2, 3 and 6 and "
            "table 6, --advice for figure 4, --grid for figure 5"
        )
    return Plan(sections, left_out)


def require_attention(error: ValueError, sections: Collection[str]) -> ValueError:
    """The error of a model whose attention cannot be looked at, with what can be made of it."""
    refused = [f"{name} ({_SHOWS[name]})" for name in ATTENTION if name in sections]
    others = [name for name in SECTIONS if name not in ATTENTION]
    return ValueError(
        f"{error}; {', '.join(refused)} cannot be made of it; --only {','.join(others)} can, of "
        "what each needs"
    )


def require_tasks(tasks: Sequence[str], sections: Collection[str]) -> None:
    """Raise ValueError where sections that compare tasks have fewer than two."""
    comparing = [name for name in ATTENTION if name in sections]
    if comparing and len(tasks) < 2:
        raise ValueError(
            f"topics: {', '.join(comparing)} compare tasks: two at least are needed, not "
            f"{len(tasks)} ({', '.join(tasks)})"
        )
