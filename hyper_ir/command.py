"""What every verb of the command line shares: errors in one line, exit status, Ctrl-C.

A verb's module has ``main(argv)``, which parses and calls, and ends with::

    if __name__ == "__main__":
        run(main)

with ``on_bad_input=True`` where it has the flag --on-bad-input.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from hyper_ir.problems import BadRecordError

VERBS = {
    "quickstart": "the whole job on real text, in minutes: encode, index, search, score",
    "doctor": "check Python, Java, Pyserini, torch and the rest; say how to mend what is missing",
    "data": "KILT, BEIR, ir-datasets and TSV collections: passages, topics, qrels",
    "encode": "texts to vectors (Pyserini's flags); .query, .graft, .explain, .export",
    "index": "a Lucene index: BM25 from texts, impacts from vectors",
    "search": "topics to a TREC run: BM25, impacts with a live encoder or encoded topics",
    "merge": "runs of shards, searched far apart, into the run of one index",
    "export": "vectors for engines with sparse vectors: Milvus, OpenSearch, Elasticsearch",
    "advise": "how far to prune: size, queries/s and score by factor, top-k and query terms",
    "mine": "training examples: positives, hard negatives without leaks, from BM25 or any run",
    "train": "a recipe to a trained model: prompts, mixed tasks, frozen or trained documents",
    "compact": "a trained model in a small part of its size, as one that is shipped",
    "evaluate": "runs against qrels: nDCG@10, KILT R-precision, paired tests, tables",
    "reproduce": "the paper's tables: every system trained and tested once, resumable, shared",
    "analyse": "figures of a model: prompt attention by task, prefix cost, speed against score",
}

DEBUG_VARIABLE = "HYPER_IR_TRACEBACK"

SKIPPING = "--on-bad-input skip counts and lists such records"

BAD_INPUT = 2
INTERRUPTED = 130
TERMINATED = 143

Main = Callable[[Sequence[str] | None], int | None]


class Parser(argparse.ArgumentParser):
    """argparse with defaults shown, line breaks of the description kept, no abbreviated flags."""

    def __init__(self, prog: str, description: str, example: str, **kwargs: object) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=_indented_example(example),
            formatter_class=_Formatter,
            allow_abbrev=False,
            **kwargs,  # type: ignore[arg-type]
        )


def given(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> set[str]:
    """The names of the arguments that stand on the command line; those left to defaults are not.

    The command line must be one that the parser takes.
    """
    absent = object()
    blank = argparse.Namespace(**dict.fromkeys(vars(parser.parse_args(argv)), absent))
    return {
        name for name, value in vars(parser.parse_args(argv, blank)).items() if value is not absent
    }


def _indented_example(example: str) -> str | None:
    lines = [f"  {line}" for line in example.strip().splitlines()]
    return "\n".join(["example:", *lines]) if lines else None


class _Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, False, (), []):
            return action.help
        return super()._get_help_string(action)


def run(
    main: Main,
    argv: Sequence[str] | None = None,
    hint: str = "the same command again starts afresh",
    on_bad_input: bool = False,
    notes: bool = True,
) -> NoReturn:
    """Call ``main`` and exit with its status; turn bad input into one line on stderr.

    ``hint`` says, after Ctrl-C, how to go on; a note on the KeyboardInterrupt (``add_note``), of
    whoever knows what is safe by then, takes its place, unless ``notes`` is false: they are of
    options that a verb that calls others does not have. ``on_bad_input``: the verb has the flag of
    that name, which the error of a bad record then names.

    ValueError (and a system error such as a full disk) ends with status 2 and one line;
    Ctrl-C with status 130, and SIGTERM (``timeout``, a batch system) in the same way with 143. The
    environment variable HYPER_IR_TRACEBACK=1 shows the traceback.
    """
    debug = bool(os.environ.get(DEBUG_VARIABLE))
    before = _raise_on_termination()
    try:
        status = main(argv) or 0
        sys.stdout.flush()
    except KeyboardInterrupt as error:
        _end_bars()
        terminated = isinstance(error, Terminated)
        noted = "; ".join(getattr(error, "__notes__", ())) if notes else ""
        print(
            f"\n{'terminated' if terminated else 'interrupted'}; {noted or hint}", file=sys.stderr
        )
        status = TERMINATED if terminated else INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except (ValueError, OSError) as error:
        if debug:
            raise
        _end_bars()
        cure = f"; {SKIPPING}" if on_bad_input and isinstance(error, BadRecordError) else ""
        print(f"error: {error_in_words(error)}{cure}", file=sys.stderr)
        status = BAD_INPUT
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
    sys.exit(status)


def _end_bars() -> None:
    """Close the progress bars that are open: what is told last stands on a line of its own."""
    module = sys.modules.get("tqdm")
    for bar in list(getattr(module.tqdm, "_instances", ())) if module is not None else ():
        bar.close()


class Terminated(KeyboardInterrupt):
    """SIGTERM came: everything is left as on Ctrl-C."""


def _raise_on_termination() -> Any:
    """Have SIGTERM raise :class:`Terminated`; gives the handler before, None where that cannot be.

    Only a program's main thread may say what signals do.
    """
    if threading.current_thread() is not threading.main_thread():
        return None

    def terminate(*_: object) -> None:
        raise Terminated

    return signal.signal(signal.SIGTERM, terminate)


def positive(text: str) -> int:
    """An argument's type: a whole number from 1 on."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return number


def natural(text: str) -> int:
    """An argument's type: a whole number from 0 on."""
    return 0 if text.strip() == "0" else positive(text)


def error_in_words(error: BaseException) -> str:
    """An error in one line; a full disk is called so."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full ({error.filename or 'while writing'}); free some and run again"
    return str(error) or type(error).__name__
