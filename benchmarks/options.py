"""The flags that the benchmarks share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.counting import SHAPES
from benchmarks.machine import cores
from benchmarks.reports import RESULTS
from hyper_ir.command import Parser


def parser(name: str, description: str, example: str = "", rounds: int = 3) -> Parser:
    """With threads, rounds, the MiniLM's folder and the results' folder."""
    command = f"python -m benchmarks.{name}"
    made = Parser(command, description, example or command)
    made.add_argument("--rounds", type=int, default=rounds, help="each contender's turns")
    made.add_argument("--threads", type=int, default=cores(), help="of every contender")
    made.add_argument("--encoder", type=Path, help="folder of all-MiniLM-L6-v2, if not installed")
    made.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    return made


def add_shapes(made: argparse.ArgumentParser, default: Sequence[str]) -> None:
    """``--shapes``."""
    made.add_argument("--shapes", nargs="+", choices=[*SHAPES], default=[*default], help="models")


def check(arguments: argparse.Namespace, names: Sequence[str] = ("rounds", "threads")) -> None:
    """Raise ValueError for counts below 1 and an output folder that takes no file."""
    from benchmarks.reports import check_output

    for name in names:
        if getattr(arguments, name) < 1:
            raise ValueError(f"{name}: {getattr(arguments, name)} is not a positive number")
    check_output(arguments.output)


def minilm(arguments: argparse.Namespace) -> Path:
    """The folder given, or that of the installed package."""
    from hyper_ir.quickstart.backbone import installed_minilm

    return arguments.encoder or installed_minilm()


def say(line: str) -> None:
    """Progress, on stderr."""
    print(line, file=sys.stderr, flush=True)
