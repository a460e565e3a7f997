"""``python -m hyper_ir.train``: a recipe, or settings on the command line, to a trained model."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyper_ir.command import run

if TYPE_CHECKING:
    from hyper_ir.training.recipe import Recipe

RECIPES = Path(__file__).parent / "recipes"

EXAMPLE = """
example:
  python -m hyper_ir.train --config mini-kilt --model models/lexical --output models/hyper \\
    --data.examples '[train.jsonl]' --data.corpus knowledgesource.jsonl
  python -m hyper_ir.train --config my-recipe.yaml --prompts null      # the same without prompts
  torchrun --nproc-per-node 8 -m hyper_ir.train --config paper-kilt …  # eight GPUs
"""

HINT = "the same command with --resume goes on from the last checkpoint"


def parser() -> Any:
    """The verb's arguments: a recipe's settings, from YAML and flags; unknown keys are errors."""
    from jsonargparse import ArgumentParser

    from hyper_ir.training.recipe import Recipe

    verb = ArgumentParser(
        prog="python -m hyper_ir.train",
        description="Train a retriever on many tasks at once, as a recipe says.",
        epilog=EXAMPLE,
        exit_on_error=False,
    )
    shipped = ", ".join(recipe_names())
    verb.add_argument(
        "--config",
        action="config",
        help=f"a recipe: a YAML file, or one that is shipped: {shipped}",
    )
    verb.add_class_arguments(Recipe, fail_untyped=True)
    verb.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    verb.add_argument("--overwrite", action="store_true", help="throw away a run that is there")
    verb.add_argument("--dry-run", action="store_true", help="print the resolved recipe, and stop")
    return verb


def recipe_names() -> list[str]:
    """The recipes that are shipped."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def parse(words: Sequence[str]) -> tuple[Recipe, Any]:
    """The recipe that the words of a command line give, and the other options.

    Raises ValueError for an unknown setting, a value of another type, or a recipe that is none.
    """
    from jsonargparse import ArgumentError

    verb = parser()
    try:
        options = verb.parse_args([*_with_shipped(words)])
        recipe = verb.instantiate(options)
    except ArgumentError as error:
        raise ValueError(" ".join(str(error).split())) from error
    return _recipe_of(recipe), options


def _recipe_of(options: Any) -> Recipe:
    from dataclasses import fields

    from hyper_ir.training.recipe import Recipe

    return Recipe(**{field.name: options[field.name] for field in fields(Recipe)})


def _with_shipped(words: Sequence[str]) -> Iterator[str]:
    """The words, with the file of a shipped recipe in place of its name."""
    before = ""
    for word in words:
        flag, equals, name = word.partition("=")
        if before == "--config":
            flag, equals, name = "", "", word
        if (before == "--config" or flag == "--config") and not Path(name).is_file():
            path = RECIPES / f"{name}.yaml"
            if equals or before == "--config":
                if name not in recipe_names():
                    raise ValueError(
                        f"config: {name} is no file and no shipped recipe "
                        f"({', '.join(recipe_names())})"
                    )
                name = str(path)
        yield f"{flag}{equals}{name}"
        before = word


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, train, and name the next command."""
    words = list(sys.argv[1:] if argv is None else argv)
    recipe, options = parse(words)
    if options.dry_run:
        import json
        from dataclasses import asdict

        print(json.dumps(asdict(recipe), indent=2))
        return
    from hyper_ir.training.run import train

    result = train(recipe, resume=options.resume, overwrite=options.overwrite)
    for name, value in result.scores.items():
        if name.startswith("validation/"):
            print(f"{name:32} {value:10.4f}")
    print(f"{result.steps:,} steps: {result.model}")
    print(
        "next: python -m hyper_ir.search --impact --index INDEX --topics TOPICS "
        f"--encoder {result.model} --output RUN"
    )


if __name__ == "__main__":
    run(main, hint=HINT)
