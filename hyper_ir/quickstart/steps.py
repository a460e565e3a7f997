"""Steps that are skipped when they were done before with the same settings.

A step is one command line of the project, or one for each task. What is printed is what is run:
the verb's ``main`` gets the arguments that stand on the printed line.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import shlex
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyper_ir.files import write_json
from hyper_ir.version import __version__

EACH = "{each}"
"""Stands for the task's name in a step that runs once for each task."""

AGAIN = "{again}"
"""Stands where a verb takes ``--overwrite`` (or ``--resume``) for what is there already."""


@dataclass(frozen=True)
class Step:
    """One command line and what it leaves.

    Attributes
    ----------
    name: a word, of which there is one in a plan.
    purpose: what it does, for the user.
    module: the verb, ``hyper_ir.encode`` for example.
    arguments: its command line; may hold :data:`EACH` and :data:`AGAIN`.
    outputs: what it makes; the step is not skipped unless all of it is there.
    each: the tasks it runs for, one after the other; empty for a single command.
    uses: what its result depends on besides the arguments and the steps before it.
    resume: the flag that lets the verb take up an interrupted run, or empty.
    always: run it even if it was done before (it is quick and prints what is wanted).
    quiet: what the verb prints is left out, on stdout and on stderr.
    """

    name: str
    purpose: str
    module: str
    arguments: tuple[str, ...]
    outputs: tuple[Path, ...]
    each: tuple[str, ...] = ()
    uses: dict[str, Any] = field(default_factory=dict)
    resume: str = ""
    always: bool = False
    quiet: bool = False

    def command_line(self, again: str = "") -> str:
        """The equivalent command for a shell; a loop where the step runs for each task."""
        words = ["python", "-m", self.module, *_filled(self.arguments, again)]
        line = " ".join(
            word.replace(EACH, "$task") if EACH in word else shlex.quote(word) for word in words
        )
        return f"for task in {' '.join(self.each)}; do {line}; done" if self.each else line


@dataclass(frozen=True)
class Done:
    """What became of a step: whether it was skipped, and the seconds it took when it ran."""

    step: Step
    skipped: bool
    seconds: float


class Runner:
    """Runs steps in order, skipping those that were done before; prints what is done.

    A step is done again when its command line, the version of hyper_ir, what it ``uses`` or any
    step before it has changed, and when something of what it made is gone.

    Parameters
    ----------
    records: folder for what is remembered of each step.
    total: how many steps there will be, for the count that is printed.
    """

    def __init__(self, records: Path, total: int) -> None:
        self.records = records
        self.total = total
        self.done: list[Done] = []
        self._before = ""

    def run(self, step: Step) -> Done:
        """Run the next step or skip it; raises what its verb raises."""
        self._before = _fingerprint(step, self._before)
        print(f"\n[{len(self.done) + 1}/{self.total}] {step.purpose}")
        self.done.append(_run(step, self._before, self.records / f"{step.name}.json"))
        return self.done[-1]

    @property
    def seconds(self) -> float:
        """How long all steps took when they ran, those that were skipped now included."""
        return sum(done.seconds for done in self.done)


def _run(step: Step, fingerprint: str, record: Path) -> Done:
    remembered = _read(record)
    same = remembered.get("fingerprint") == fingerprint
    whole = all(path.exists() for path in step.outputs)
    if same and whole and remembered.get("finished") and not step.always:
        seconds = float(remembered["seconds"])
        print(f"  {step.command_line()}\n  done before, in {in_words(seconds)}")
        return Done(step, True, seconds)
    again = _again(step, same, begun=bool(remembered))
    print(f"  {step.command_line(again)}", flush=True)
    write_json(record, {"fingerprint": fingerprint, "finished": False})
    start = time.perf_counter()
    for task in step.each or ("",):
        arguments = [word.replace(EACH, task) for word in _filled(step.arguments, again)]
        _call(step, arguments)
    seconds = round(time.perf_counter() - start, 1)
    write_json(record, {"fingerprint": fingerprint, "finished": True, "seconds": seconds})
    print(f"  done in {in_words(seconds)}", flush=True)
    return Done(step, False, seconds)


def _again(step: Step, same: bool, begun: bool) -> str:
    """What to tell the verb about what is there: take it up where it is this step's own work."""
    if same and step.resume:
        return step.resume
    return "--overwrite" if begun or any(path.exists() for path in step.outputs) else ""


def _call(step: Step, arguments: Sequence[str]) -> None:
    """Call the verb as its command line would; show what it prints but for its next commands.

    A quiet step's own remarks are shown only when it fails.
    """
    main = importlib.import_module(
        f"{step.module}.__main__" if _is_package(step.module) else step.module
    ).main
    captured, remarks = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(captured), redirect_stderr(remarks if step.quiet else sys.stderr):
            status = main(list(arguments))
        if status:
            raise ValueError(f"{step.name}: the command above failed")
    except BaseException:
        sys.stderr.write(remarks.getvalue())
        raise
    if not step.quiet:
        for line in _without_next(captured.getvalue().splitlines()):
            print(f"  {line}")


def _is_package(module: str) -> bool:
    return hasattr(importlib.import_module(module), "__path__")


def _without_next(lines: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for line in lines:
        if line.startswith("next:"):
            break
        kept.append(line)
    return kept


def _filled(arguments: Iterable[str], again: str) -> list[str]:
    words = (again if word == AGAIN else word for word in arguments)
    return [word for word in words if word]


def _fingerprint(step: Step, before: str) -> str:
    value = [before, __version__, step.module, step.arguments, step.each, step.uses]
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _read(record: Path) -> dict[str, Any]:
    try:
        value = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def in_words(seconds: float) -> str:
    """``0.4 s``, ``31 s``, ``4 min 05 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"
