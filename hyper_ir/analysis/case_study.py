"""Queries whose attention is like a query's, and unlike it (table 6)."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hyper_ir.analysis.prompt_attention import PromptAttention

SHOWN = 2
SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A query beside another: its place among all, and the divergence (nats) between the two."""

    place: int
    divergence: float


@dataclass(frozen=True)
class Case:
    """One query with others that are like it and unlike it.

    Attributes
    ----------
    base: the query's place among all.
    similar: of any task, nearest first.
    dissimilar: of other tasks, farthest first.
    """

    base: int
    similar: list[Neighbour]
    dissimilar: list[Neighbour]


def chosen(attention: PromptAttention, names: Sequence[str]) -> list[int]:
    """The places of the queries named ``TASK:ID``.

    Raises ValueError for a task or an id that is not there: a sample may have left it out.
    """
    places = {
        (attention.tasks[member], id): place
        for place, (member, id) in enumerate(zip(attention.members, attention.ids, strict=True))
    }
    found = []
    for name in names:
        task, _, id = name.partition(":")
        if (task, id) not in places:
            raise ValueError(
                f"query {name!r}: no such query among those looked at; write TASK:ID, a task of "
                f"{', '.join(attention.tasks)}, and raise the most queries where one was left out"
            )
        found.append(places[task, id])
    return found


def drawn_bases(attention: PromptAttention, seed: int) -> list[int]:
    """One query of each task, drawn by ``seed`` and the task's name."""
    return [
        random.Random(f"{seed} {task}").choice(np.flatnonzero(attention.members == place).tolist())
        for place, task in enumerate(attention.tasks)
    ]


def cases(
    attention: PromptAttention,
    divergence: np.ndarray,
    bases: Sequence[int],
    seed: int,
    shown: int = SHOWN,
    share: float = SHARE,
) -> list[Case]:
    """For each base, queries drawn from the nearest and from the farthest ``share`` of all.

    As the paper draws its table: the similar ones are of any task, the dissimilar ones of others.
    With ``share`` 0 they are the very nearest and farthest. Of few queries the similar ones are of
    the nearer half, and none is both.
    """
    found = []
    for base in bases:
        # Draws of a base do not depend on the other bases.
        rng = random.Random(f"{seed} {attention.members[base]} {attention.ids[base]}")
        row = divergence[base]
        order = np.argsort(row, kind="stable")
        others = order[order != base].tolist()
        near = others[: math.ceil(len(others) / 2)]
        similar = _drawn(near, row, max(shown, math.ceil(share * len(others))), shown, rng)
        taken = {each.place for each in similar}
        other_tasks = [
            each for each in others[::-1] if attention.members[each] != attention.members[base]
        ]
        far = [each for each in other_tasks if each not in taken]
        pool = max(shown, math.ceil(share * len(other_tasks)))
        found.append(Case(base, similar, _drawn(far, row, pool, shown, rng)))
    return found


def _drawn(
    places: Sequence[int], row: np.ndarray, pool: int, shown: int, rng: random.Random
) -> list[Neighbour]:
    """``shown`` of the first ``pool`` places, in their order."""
    kept = sorted(rng.sample(range(min(pool, len(places))), min(shown, len(places))))
    return [Neighbour(int(places[each]), float(row[places[each]])) for each in kept]
