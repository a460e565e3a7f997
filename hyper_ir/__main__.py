"""``python -m hyper_ir`` lists the verbs; ``hyper-ir VERB …`` is ``python -m hyper_ir.VERB …``."""

from __future__ import annotations

import runpy
import sys

from hyper_ir.command import BAD_INPUT, VERBS
from hyper_ir.version import __version__


def main() -> None:
    """Run the verb that the first argument names, or list the verbs."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(f"hyper_ir {__version__}\n\npython -m hyper_ir.VERB --help tells more:\n")
        for verb, purpose in VERBS.items():
            print(f"  {verb:<11} {purpose}")
        return
    if arguments[0] in ("-V", "--version"):
        print(f"hyper_ir {__version__}")
        return
    verb = arguments[0]
    if verb.split(".")[0] not in VERBS:
        print(f"error: no verb {verb!r}; there are: {', '.join(VERBS)}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    sys.argv = [f"python -m hyper_ir.{verb}", *arguments[1:]]
    runpy.run_module(f"hyper_ir.{verb}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
