"""``python -m hyper_ir.train``: a recipe, or settings on the command line, to a trained model."""

from __future__ import annotations

import argparse
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
    --data.examples train.jsonl --data.corpus knowledgesource.jsonl
  python -m hyper_ir.train --config my-recipe.yaml --prompts null      # the same without prompts
  torchrun --nproc-per-node 8 -m hyper_ir.train --config paper-kilt …  # eight GPUs
"""

USAGE = "%(prog)s --config RECIPE [--SETTING VALUE ...] [--resume | --overwrite] [--dry-run]"

HINT = "the same command with --resume goes on from the last checkpoint"

OPTIONS = {
    "resume": "go on with an interrupted run",
    "overwrite": "throw away a run that is there",
    "dry-run": "print the resolved recipe as YAML, say which of its files are missing, and stop",
}


def parser() -> Any:
    """The verb's arguments: a recipe's settings, from YAML and flags; unknown keys are errors."""
    from jsonargparse import ArgumentParser

    from hyper_ir.training.recipe import Recipe

    verb = ArgumentParser(
        prog="python -m hyper_ir.train",
        usage=USAGE,
        description="Train a retriever on many tasks at once, as a recipe says.",
        epilog=EXAMPLE,
        formatter_class=help_formatter(),
        exit_on_error=False,
        allow_abbrev=False,
    )
    shipped = ", ".join(recipe_names())
    verb.add_argument(
        "--config",
        action="config",
        help=f"a recipe: a YAML file, or one that is shipped: {shipped}",
    )
    verb.add_class_arguments(Recipe, fail_untyped=True)
    for name, text in OPTIONS.items():
        verb.add_argument(f"--{name}", action="store_true", help=text)
    _describe(verb)
    return verb


def help_formatter() -> Any:
    """The class that formats the help of a verb whose arguments are settings."""
    from jsonargparse import DefaultHelpFormatter

    class Formatter(DefaultHelpFormatter, argparse.RawDescriptionHelpFormatter):
        """Line breaks of the example are kept; texts say type and default themselves."""

        def _get_help_string(self, action: argparse.Action) -> str:
            return action.help or ""

    return Formatter


def _describe(verb: Any) -> None:
    """Give every setting its help; the parser lists prompts' settings as one, so add them."""
    from hyper_ir.training.command_line import settings

    known = settings()
    parts = {key.partition(".")[0] for key in known if "." in key}
    for action in verb._actions:
        if action.dest in known:
            action.help = known[action.dest].help
        elif action.dest in parts or action.dest == "prompts.help":
            action.help = argparse.SUPPRESS
    group = verb.add_argument_group("A published form of the prompts, and what of it is changed")
    for key, setting in known.items():
        if key.startswith("prompts."):
            name = key.partition(".")[2].upper()
            listed = argparse._StoreAction([f"--{key}"], key, metavar=name, help=setting.help)
            group._group_actions.append(listed)


def recipe_names() -> list[str]:
    """The recipes that are shipped."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def parse(words: Sequence[str]) -> tuple[Recipe, Any]:
    """The recipe that the words of a command line give, and the other options.

    Raises ValueError for an unknown setting, a value of another type, or a recipe that is none.
    """
    from jsonargparse import ArgumentError

    from hyper_ir.training import command_line

    verb = parser()
    flags = [flag[2:] for flag in verb._option_string_actions if flag.startswith("--")]
    command_line.check_flags(words, flags)
    words = command_line.with_lists([*_with_shipped(words)])
    files = [path for flag, path in command_line.given(words) if flag == "config" and path]
    written = [command_line.read_recipe(Path(path)) for path in files]
    try:
        options = verb.parse_args(words)
    except ArgumentError as error:
        wrong = command_line.wrong_value(words, written)
        message = wrong or command_line.shortened(str(error))
        raise ValueError(f"{message:.{command_line.MESSAGE}}") from error
    return command_line.recipe_of(options), options


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
                    what = "a folder" if Path(name).is_dir() else "no file"
                    raise ValueError(
                        f"config: {name} is {what} and no shipped recipe "
                        f"({', '.join(recipe_names())})"
                    )
                name = str(path)
        yield f"{flag}{equals}{name}"
        before = word


def resolved(recipe: Recipe) -> str:
    """The recipe as YAML that is a recipe again, with all settings of its prompts."""
    from dataclasses import asdict

    import yaml

    written = asdict(recipe)
    if recipe.prompts is not None:
        written["prompts"] |= asdict(recipe.prompts.resolved())
    return yaml.safe_dump(written, sort_keys=False, allow_unicode=True)


def check_files(recipe: Recipe) -> None:
    """Raise ValueError that names what a recipe reads and is not there."""
    data, missing = recipe.data, []
    if _is_path(recipe.model) and not Path(recipe.model).is_dir():
        missing.append(f"model: there is no folder {recipe.model}")
    for key, paths in (
        ("data.examples", data.examples),
        ("validation.examples", recipe.validation.examples),
    ):
        missing += [f"{key}: there is no file {path}" for path in paths if not Path(path).is_file()]
    for key, place in (("data.corpus", data.corpus), ("data.vectors", data.vectors)):
        if place is not None and not Path(place).exists():
            missing.append(f"{key}: there is no {place}")
    if missing:
        raise ValueError("; ".join(missing))


def _is_path(model: str) -> bool:
    """Whether a model cannot be meant as a hub's name, which is NAME or OWNER/NAME."""
    path = Path(model)
    beside = path.parent != Path() and path.parent.is_dir()
    return beside or path.exists() or model.startswith((".", "~", "/")) or model.count("/") > 1


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, train, and name the next command."""
    words = list(sys.argv[1:] if argv is None else argv)
    recipe, options = parse(words)
    if options.dry_run:
        print(resolved(recipe), end="")
        check_files(recipe)
        return
    from hyper_ir.training.run import train

    result = train(recipe, resume=options.resume, overwrite=options.overwrite)
    for name, value in result.scores.items():
        if name.startswith("validation/"):
            print(f"{name:32} {value:10.4f}")
    print(f"{result.steps:,} steps: {result.model}")
    print(f"next: {_next_command(result.model)}")


def _next_command(model: Path) -> str:
    from hyper_ir.models.checkpoint import RETRIEVER_FILE, read_object

    if read_object(model / RETRIEVER_FILE).get("head") == "dense":
        return f"python -m hyper_ir.encode.query --topics TOPICS --encoder {model} --output QUERIES"
    return (
        "python -m hyper_ir.search --impact --index INDEX --topics TOPICS "
        f"--encoder {model} --output RUN"
    )


if __name__ == "__main__":
    run(main, hint=HINT)
