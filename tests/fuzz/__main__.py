"""``python -m tests.fuzz``: hostile input for every reader, counted.

Every reader gets a process of its own, which may take 1.25 GiB, and 20 s for an input. A finding is
anything but a file that is read or a ValueError that names the file (and the line of a bad record).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.reports import table
from hyper_ir.command import Parser, positive, run
from hyper_ir.files import write_json

EXAMPLE = """
python -m tests.fuzz --inputs 20000 --output fuzzing
python -m tests.fuzz run vectors --seconds 600
"""


def _parser() -> argparse.ArgumentParser:
    parser = Parser("python -m tests.fuzz", __doc__ or "", EXAMPLE)
    add = parser.add_argument
    add("readers", nargs="*", help="by their names (default: all)")
    add("--inputs", type=positive, default=10_000, help="for a reader; fewer for dear ones")
    add("--seconds", type=float, default=600, help="the most for a reader")
    add("--seed", type=int, default=42, help="of all that is drawn")
    add(
        "--engine",
        choices=["auto", "atheris", "mutation"],
        default="auto",
        help="what makes inputs: atheris, led by the code they reach, or seeded mutation alone",
    )
    add("--output", type=Path, default=Path("fuzzing"), help="folder for counts and findings")
    add("--list", action="store_true", help="print the readers' names, and stop")
    return parser


def fuzzed(reader: str, inputs: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """A reader's counts; ``died`` is what a process ended with that gave none."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.fuzz.worker", reader),
                *("--inputs", str(inputs), "--seconds", str(arguments.seconds)),
                *("--seed", str(arguments.seed), "--engine", arguments.engine),
                *("--findings", str(arguments.output / "findings"), "--result", str(result)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
        )
        if not result.exists():
            said = done.stderr.decode(errors="replace")[-2000:]
            return {"inputs": 0, "failed": 1, "died": done.returncode, "said": said}
        found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return found


def tabulated(found: dict[str, dict[str, Any]]) -> str:
    """The counts as a Markdown table, with a row of sums."""
    names = ("inputs", "read", "refused", "failed")
    rows = [
        [
            reader,
            *(f"{counts.get(name, 0):,}" for name in names),
            f"{len(counts.get('findings', {})) or int('died' in counts)}",
            f"{counts.get('slowest_seconds', 0):.2f}",
            f"{counts.get('peak_bytes', 0) / 2**20:.0f}",
        ]
        for reader, counts in found.items()
    ]
    sums = [f"{sum(counts.get(name, 0) for counts in found.values()):,}" for name in names]
    rows.append(["all", *sums, "", "", ""])
    header = ["reader", "inputs", "read", "refused", "failed", "causes", "slowest, s", "peak, MiB"]
    return table(header, rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz, print and write the counts; 1 where a reader failed."""
    arguments = _parser().parse_args(argv)
    from tests.fuzz.targets import TARGETS

    unknown = [name for name in arguments.readers if name not in TARGETS]
    if unknown:
        raise ValueError(f"readers: there is no {unknown[0]}; --list names them")
    if arguments.list:
        print("\n".join(TARGETS))
        return 0
    arguments.output = arguments.output.resolve()
    found: dict[str, dict[str, Any]] = {}
    for reader in arguments.readers or TARGETS:
        inputs = max(100, arguments.inputs // TARGETS[reader].cost)
        found[reader] = fuzzed(reader, inputs, arguments)
        print(f"{reader}: {_in_words(found[reader])}", file=sys.stderr, flush=True)
        write_json(arguments.output / "fuzzing.json", found)
    print(tabulated(found))
    return 1 if any(counts["failed"] for counts in found.values()) else 0


def _in_words(counts: dict[str, Any]) -> str:
    if "died" in counts:
        return f"its process ended with {counts['died']}: {counts['said'][-500:]}"
    causes = [f"{cause} ({one['times']})" for cause, one in counts["findings"].items()]
    return f"{counts['inputs']:,} inputs in {counts['seconds']} s; " + (
        "; ".join(causes) or "no finding"
    )


if __name__ == "__main__":
    run(main)
