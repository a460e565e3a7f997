"""``python -m hyper_ir.evaluation``: ir_measures' own command line, with KILT's measures in it.

``ir_measures QRELS RUN MEASURE …`` has no way to load measures of others, so that its names are
completed here before its own ``main_cli`` runs: same arguments, same output.
"""

from __future__ import annotations

import sys

from ir_measures.__main__ import main_cli

from hyper_ir.command import run
from hyper_ir.evaluation import kilt

PROG = "python -m hyper_ir.evaluation"


def main(argv: object = None) -> None:
    """Register the measures and let ir_measures read ``sys.argv``."""
    kilt.register()
    sys.argv[0] = PROG  # what its argparse calls the program
    main_cli()


if __name__ == "__main__":
    run(main)
