"""``python -m hyper_ir.doctor``: can the job run here, and what to do where it cannot."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from hyper_ir.command import Parser, run
from hyper_ir.lucene.java import SHELLS, shell_exports

EXAMPLE = """
python -m hyper_ir.doctor
eval "$(python -m hyper_ir.doctor --shell)"              # sh, bash, zsh, any POSIX shell
python -m hyper_ir.doctor --shell fish | source
python -m hyper_ir.doctor --shell powershell | Invoke-Expression
"""

CANNOT_RUN = 1


def parser() -> Parser:
    """The verb's arguments."""
    verb = Parser(
        "python -m hyper_ir.doctor",
        "Check Python, Java, Pyserini, torch and the machine; say how to mend what is missing.\n"
        "Ends with status 1 when the job cannot run.",
        EXAMPLE,
    )
    what = verb.add_mutually_exclusive_group()
    what.add_argument("--json", action="store_true", help="print the checks as JSON")
    what.add_argument(
        "--shell",
        nargs="?",
        const="sh",
        choices=SHELLS,
        help="print only what sets the variables under which stock pyserini commands run here: "
        "the same for sh (taken without a name), bash and zsh; else fish or powershell",
    )
    return verb


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, check, print; return the exit status."""
    arguments = parser().parse_args(argv)
    from hyper_ir.doctor.checks import all_checks, stock_environment

    if arguments.shell:
        print(shell_exports(stock_environment(), arguments.shell))
        return 0
    print("starting Java and importing torch takes some seconds …", file=sys.stderr)
    checks = all_checks()
    able = all(check.status != "FAIL" for check in checks)
    if arguments.json:
        print(json.dumps({"able": able, "checks": [asdict(check) for check in checks]}, indent=2))
        return 0 if able else CANNOT_RUN
    for check in checks:
        print(check.line())
    if able:
        print("\nthe job can run; next: python -m hyper_ir.quickstart")
    else:
        print("\nthe job cannot run yet: mend what FAILs, from the top")
    return 0 if able else CANNOT_RUN


if __name__ == "__main__":
    run(main)
