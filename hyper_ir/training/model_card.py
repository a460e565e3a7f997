"""A trained model's card: what it is, what it was trained on, how good it is, how to use it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from hyper_ir.files import atomic_text
from hyper_ir.models.retriever import Retriever
from hyper_ir.training.model import is_lexical
from hyper_ir.training.recipe import Recipe
from hyper_ir.version import __version__

CARD = "README.md"
RECIPE = "recipe.json"


def write_card(
    folder: Path,
    recipe: Recipe,
    retriever: Retriever,
    sizes: Mapping[str, int],
    scores: Mapping[str, float],
    steps: int,
) -> None:
    """Write README.md and the resolved recipe into a model's folder.

    Parameters
    ----------
    retriever: the model itself.
    sizes: examples of each task.
    scores: of the best validation; empty without one.
    steps: optimiser steps trained.
    """
    with atomic_text(folder / RECIPE) as handle:
        handle.write(json.dumps(asdict(recipe), indent=2) + "\n")
    with atomic_text(folder / CARD) as handle:
        handle.write(card(recipe, retriever, sizes, scores, steps))


def card(
    recipe: Recipe,
    retriever: Retriever,
    sizes: Mapping[str, int],
    scores: Mapping[str, float],
    steps: int,
) -> str:
    """The card's Markdown."""
    prompts = retriever.query.prompts
    kind = "no prompts"
    if prompts is not None:
        many = "one static prefix" if prompts.config.prompts == 1 else "prompts"
        kind = f"{many} ({prompts.config.prompts} x {prompts.config.length} positions)"
    frozen = "" if recipe.freeze == "none" else f", {recipe.freeze} frozen"
    use = "python -m hyper_ir.encode.query --topics TOPICS --encoder MODEL --output VECTORS.jsonl"
    if is_lexical(retriever):
        use = (
            "python -m hyper_ir.search --impact --index INDEX --topics TOPICS --encoder MODEL "
            "--output RUN"
        )
    lines = [
        "---",
        "library_name: hyper_ir",
        "tags: [information-retrieval, learned-sparse-retrieval, hyper_ir]",
        "---",
        "",
        f"# {Path(recipe.output).name}",
        "",
        f"A retriever trained with hyper_ir {__version__} from `{recipe.model}`: {kind}{frozen}.",
        "",
        "## Use",
        "",
        "```",
        use,
        "```",
        "",
        "```python",
        "from hyper_ir.encode import HyperQueryEncoder",
        'print(HyperQueryEncoder("MODEL").explain("who wrote Dune?").text())',
        "```",
        "",
        "## Data",
        "",
        "| task | examples |",
        "|---|---|",
        *(f"| {task} | {size:,} |" for task, size in sizes.items()),
        "",
        f"{steps:,} optimiser steps of {recipe.batch.size} queries. All settings: `{RECIPE}`.",
        "",
    ]
    if scores:
        lines += [
            "## Scores",
            "",
            f"{recipe.validation.measure} over pages on at most {recipe.validation.per_task} "
            f"development queries of each task, the best of all validations (step "
            f"{scores['step']:,.0f}), by which the model was chosen. No test figures.",
            "",
            "| task | score |",
            "|---|---|",
            *(
                f"| {name.removeprefix('validation/')} | {value:.4f} |"
                for name, value in scores.items()
                if name.startswith("validation/") and name != "validation/active_terms"
            ),
            "",
        ]
    return "\n".join(lines)
