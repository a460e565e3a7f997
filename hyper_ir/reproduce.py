"""``python -m hyper_ir.reproduce``: the systems of the paper's tables, trained and compared."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyper_ir.command import run
from hyper_ir.wording import counted

if TYPE_CHECKING:
    from hyper_ir.reproduction.grid import Grid

GRIDS = Path(__file__).parent / "recipes" / "grids"

EXAMPLE = """
example:
  python -m hyper_ir.reproduce --recipe mini-kilt --probe --dry-run
  python -m hyper_ir.reproduce --recipe mini-kilt --steps 150 --only table1 'splade-*@42'
  python -m hyper_ir.reproduce --recipe mini-kilt --splade.vectors.corpus vectors/kilt --workers 2
  python -m hyper_ir.reproduce --recipe mini-kilt --tables
"""

# What jsonargparse says of a group's value that is no settings and no file of them.
UNLOADABLE = "Unable to load config"

USAGE = "%(prog)s --recipe GRID [--SETTING VALUE ...] [--only CELLS ...] [--dry-run | --tables]"

HINT = "the same command again goes on where it was"

OPTIONS = {
    "list": "print the names of the cells, and stop",
    "dry-run": "print the plan, what it takes, and which inputs are missing, and stop",
    "probe": "time a few steps of each kind of cell first, for the dry run's estimate",
    "tables": "print the tables of what is there, and stop; with --only, of these cells alone",
    "loud": "show what training prints; it is kept in each cell's output.txt otherwise",
    "no-wait": "end where only cells are left that other processes work on",
}


def parser() -> Any:
    """The verb's arguments: a grid's settings, from YAML and flags; unknown keys are errors."""
    from jsonargparse import ArgumentParser

    from hyper_ir.reproduction.grid import Grid
    from hyper_ir.train import help_formatter

    verb = ArgumentParser(
        prog="python -m hyper_ir.reproduce",
        usage=USAGE,
        description="Train and test the systems of the paper's tables, each once; print the "
        "tables. Several processes, also of several machines, may work on one output.",
        epilog=EXAMPLE,
        formatter_class=help_formatter(),
        exit_on_error=False,
        allow_abbrev=False,
    )
    verb.add_argument(
        "--recipe",
        action="config",
        help=f"a grid: a YAML file, or one that is shipped: {', '.join(grid_names())}",
    )
    verb.add_class_arguments(Grid, fail_untyped=True)
    add = verb.add_argument
    add(
        "--only",
        nargs="+",
        default=[],
        metavar="CELLS",
        help="tables (table1 … table5), parts (main, few-shot, …), or cells' names with * in them",
    )
    add("--workers", type=int, default=1, help="processes that share the work")
    for name, text in OPTIONS.items():
        add(f"--{name}", action="store_true", help=text)
    _describe(verb)
    return verb


def _describe(verb: Any) -> None:
    """Give every setting the text that its class has for it."""
    from dataclasses import fields, is_dataclass
    from typing import get_type_hints

    from hyper_ir.reproduction.grid import Grid
    from hyper_ir.training.command_line import described

    texts: dict[str, str] = {}
    for name, kind in get_type_hints(Grid).items():
        if is_dataclass(kind) and isinstance(kind, type):
            own = described(kind)
            texts |= {f"{name}.{field.name}": own[field.name] for field in fields(kind)}
    texts |= {key: text for key, text in described(Grid).items() if key not in texts}
    for action in verb._actions:
        if action.dest in texts:
            action.help = texts[action.dest]
        elif action.dest in {key.partition(".")[0] for key in texts if "." in key}:
            action.help = argparse.SUPPRESS


def grid_names() -> list[str]:
    """The grids that are shipped."""
    return sorted(path.stem for path in GRIDS.glob("*.yaml"))


def parse(words: Sequence[str]) -> tuple[Grid, Any]:
    """The grid that the words of a command line give, and the other options.

    Raises ValueError for an unknown setting, a value of another type, or a grid that is none.
    """
    from dataclasses import fields, is_dataclass
    from typing import get_type_hints

    from jsonargparse import ArgumentError

    from hyper_ir.reproduction.grid import Grid
    from hyper_ir.training.command_line import given
    from hyper_ir.training.recipe_file import read_settings

    verb = parser()
    words = _with_shipped(words)
    flags = list(given(words))
    if [flag for flag, _ in flags].count("only") > 1:
        raise ValueError("--only: given twice; all names go after one --only")
    for flag, path in flags:
        if flag == "recipe" and path:
            read_settings(Path(path), "recipe")
    try:
        options = verb.parse_args(words)
        made = verb.instantiate(options)
        grid = Grid(**{field.name: made[field.name] for field in fields(Grid)})
    except ArgumentError as error:
        if UNLOADABLE in str(error):
            flag = str(error).split('"')[1]
            raise ValueError(f"{flag}: neither settings nor a file of them") from error
        raise ValueError(_shortened(str(error))) from error
    except TypeError as error:  # jsonargparse unpacks what a group of settings is given
        groups = [name for name, kind in get_type_hints(Grid).items() if is_dataclass(kind)]
        named = ", ".join(name for name in groups if options.get(name) is None)
        raise ValueError(f"{named or 'grid'}: null, where settings are needed") from error
    if null := ", ".join(_null(grid)):
        raise ValueError(f"{null}: null, where a value is needed")
    if options.workers < 1:
        raise ValueError(f"workers: {options.workers} is not a positive number")
    return grid, options


def _null(made: Any, above: str = "") -> Iterator[str]:
    """The settings that are None and may not be: jsonargparse lets lists and objects be null."""
    from dataclasses import is_dataclass
    from types import NoneType
    from typing import get_args, get_type_hints

    for name, kind in get_type_hints(type(made)).items():
        value = getattr(made, name)
        if is_dataclass(value):
            yield from _null(value, f"{above}{name}.")
        elif value is None and NoneType not in get_args(kind):
            yield above + name


def _with_shipped(words: Sequence[str]) -> list[str]:
    """The words, with the file of a shipped grid in place of its name."""
    found: list[str] = []
    for word in words:
        flag, equals, name = word.partition("=")
        if found and found[-1] == "--recipe":
            flag, equals, name = "", "", word
        elif flag != "--recipe" or not equals:
            found.append(word)
            continue
        if not Path(name).is_file():
            if name not in grid_names():
                known = ", ".join(grid_names())
                raise ValueError(f"recipe: {name} is no file and no shipped grid ({known})")
            name = str(GRIDS / f"{name}.yaml")
        found.append(f"{flag}{equals}{name}")
    return found


def _shortened(message: str) -> str:
    from hyper_ir.training.command_line import MESSAGE

    return f"{' '.join(message.split()):.{MESSAGE}}"


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, work the grid off, print the tables; 1 where a cell failed or an input is missing."""
    words = list(sys.argv[1:] if argv is None else argv)
    grid, options = parse(words)
    if options.list or options.dry_run or options.tables:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # looking is not to download models
    from hyper_ir.reproduction.reproduction import Reproduction

    work = Reproduction(grid, options.only)
    if options.list:
        print("\n".join(work.listed()))
        return 0
    if options.probe:
        work.check()
        work.probe()
    if options.dry_run:
        from hyper_ir.reproduction.dry_run import dry_run

        return 1 if dry_run(work) else 0
    if options.tables:
        return 1 if work.print_tables(chosen=bool(options.only)) else 0
    work.check()
    helpers = [] if options.workers == 1 else _helpers(words, options.workers - 1)
    outcome = work.run(wait=not options.no_wait, loud=options.loud)
    for helper in helpers:
        helper.wait()
    try:
        damaged = work.print_tables()
    finally:  # a full disk, for one, ends both
        for name, error in outcome.failed.items():
            print(f"failed: {name}: {error}", file=sys.stderr)
    if outcome.elsewhere:
        print(f"left to other processes: {', '.join(outcome.elsewhere)}", file=sys.stderr)
    if outcome.failed:
        told = counted(len(outcome.failed), "cell")
        print(f"{told} failed, and will be tried again by the same command", file=sys.stderr)
    return 1 if outcome.failed or damaged else 0


def _helpers(words: Sequence[str], count: int) -> list[subprocess.Popen[bytes]]:
    """Other processes of the same command, which take what this one has not taken."""
    command = [sys.executable, "-m", "hyper_ir.reproduce", *words, "--workers", "1", "--no-wait"]
    return [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(count)]


if __name__ == "__main__":
    run(main, hint=HINT, notes=False)
