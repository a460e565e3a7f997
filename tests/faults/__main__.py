"""``python -m tests.faults``: kill every verb at random moments and print what was survived."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hyper_ir.command import positive
from hyper_ir.files import write_json
from tests.faults.jobs import Job, index_given, jobs, write_given
from tests.faults.kills import Harness, Kill


def main() -> int:
    """Kill, print the table, write the JSON; 1 where a kill was not survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=positive, default=8, help="of every job that strike")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--only", nargs="+", help="jobs, by name")
    parser.add_argument("--output", type=Path, help="FILE.json")
    arguments = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with tempfile.TemporaryDirectory(prefix="hyper_ir-kills-") as name:
        given = write_given(Path(name) / "given")
        index_given(given)
        made = jobs(given)
        chosen = [made[each] for each in arguments.only or made]
        done = {
            job.name: killed(job, given, Path(name), arguments.kills, arguments.seed)
            for job in chosen
        }
    print_table(done)
    if arguments.output is not None:
        write_json(arguments.output, as_json(done, arguments.seed))
    wrong = [kill for kills in done.values() for kill in kills if kill.wrong]
    for kill in wrong:
        print(f"{kill.job}, killed {kill.moment}: {kill.wrong}", file=sys.stderr)
    return 1 if wrong else 0


def killed(job: Job, given: Path, folder: Path, kills: int, seed: int) -> list[Kill]:
    """Kill a job until so many kills have struck: at changes of its output and by the clock."""
    harness = Harness(job, given, folder / job.name.replace(" ", ""), seed)
    made: list[Kill] = []
    while sum(kill.struck for kill in made) < kills and len(made) < 3 * kills:
        made.append(harness.kill(by_time=len(made) % 2 == 1))
        told = made[-1].wrong or "survived"
        print(f"{job.name}: killed {made[-1].moment}: {told}", file=sys.stderr, flush=True)
    return made


def figures(kills: list[Kill]) -> dict[str, int]:
    """How many kills struck, and how many of these were survived."""
    struck = [kill for kill in kills if kill.struck]
    return {
        "kills": len(struck),
        "survived": sum(not kill.wrong for kill in struck),
        "too late": len(kills) - len(struck),
    }


def print_table(done: dict[str, list[Kill]]) -> None:
    """A row for each job, and their sum."""
    table = Table("job", "kills", "survived", "came too late", title="SIGKILL at random moments")
    for name, kills in done.items():
        table.add_row(name, *map(str, figures(kills).values()))
    every = [kill for kills in done.values() for kill in kills]
    table.add_row("all", *map(str, figures(every).values()))
    Console().print(table)


def as_json(done: dict[str, list[Kill]], seed: int) -> dict[str, Any]:
    """The same for machines, with every kill's moment."""
    every = [kill for kills in done.values() for kill in kills]
    return {
        "seed": seed,
        "all": figures(every),
        "jobs": {
            name: {
                **figures(kills),
                "moments": [
                    {"moment": kill.moment, "struck": kill.struck, "wrong": kill.wrong}
                    for kill in kills
                ],
            }
            for name, kills in done.items()
        },
    }


if __name__ == "__main__":
    sys.exit(main())
