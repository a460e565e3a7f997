"""Models that are shipped with the package: ``hyper_ir:NAME`` wherever a model is taken."""

from __future__ import annotations

from pathlib import Path

PREFIX = "hyper_ir:"
FOLDER = Path(__file__).parents[1] / "pretrained"
"""One folder for each model, with its card."""

DEFAULT = "hyper-minilm"
"""The model that the quickstart takes."""


def pretrained_names() -> list[str]:
    """The names of the models that are shipped, in alphabetical order."""
    return sorted(path.parent.name for path in FOLDER.glob("*/retriever.json"))


def pretrained_folder(name: str) -> Path:
    """The folder of the shipped model ``hyper_ir:NAME``; ValueError where there is none."""
    names = pretrained_names()
    if name.removeprefix(PREFIX) not in names:
        there = ", ".join(PREFIX + each for each in names) or "none"
        raise ValueError(
            f"model: {name} is not shipped with this hyper_ir; shipped: {there}; a model's folder "
            "can be named instead"
        )
    return FOLDER / name.removeprefix(PREFIX)
