"""Cells: one training run, or one system as it is, and what it is tested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

from hyper_ir.training.recipe import Recipe

Part = TypeVar("Part")


@dataclass(frozen=True)
class Cell:
    """One system with one seed.

    Attributes
    ----------
    side: ``"splade"``, ``"dpr"``, or empty for BM25.
    system: its name: ``"HypeR"``, ``"MT"``, ….
    part: the part of the grid that wants it.
    seed: of its training; None where nothing is trained.
    variant: what sets it apart from others of its name: ``"N=5"``, ``"without-nq"``.
    recipe: of its training, without output; of a backbone as it is, its side's; None for BM25.
    trained: whether anything is trained.
    start: the cell whose model it goes on from; None for the backbone.
    tests: names of what it is tested on.
    kept: whether its model is wanted later.
    """

    side: str
    system: str
    part: str
    seed: int | None = None
    variant: str = ""
    recipe: Recipe | None = None
    trained: bool = False
    start: Cell | None = None
    tests: tuple[str, ...] = ()
    kept: bool = False

    @property
    def name(self) -> str:
        """``splade-HypeR/N=5@42``."""
        return cell_name(self.side, self.system, self.variant, self.seed)

    @property
    def steps(self) -> int | None:
        """Optimiser steps; None where the recipe counts in epochs."""
        if self.recipe is None or not self.trained:
            return 0
        return self.recipe.optimiser.max_steps


def cell_name(side: str, system: str, variant: str = "", seed: int | None = None) -> str:
    """What a cell of these is called."""
    name = f"{side}-{system}" if side else system
    name += f"/{variant}" if variant else ""
    return name if seed is None else f"{name}@{seed}"


def changed(part: Part, changes: Mapping[str, Any]) -> Part:
    """Settings with some of them changed, one after the other, by dotted keys.

    Raises ValueError for a key that is none, and what the settings refuse.
    """
    for key, value in changes.items():
        part = _with(part, key, key.split("."), value)
    return part


def _with(part: Any, key: str, path: list[str], value: Any) -> Any:
    name, *rest = path
    if not is_dataclass(part) or name not in {field.name for field in fields(part)}:
        raise ValueError(f"{key}: there is no such setting")
    if rest:
        value = _with(getattr(part, name), key, rest, value)
    return replace(part, **{name: value})  # type: ignore[type-var]
