"""One reader's fuzzing, in a process of its own: what it prints is JSON, a line of counts.

With atheris, inputs are led by the code that they reach (libFuzzer); without it, they are changed
by a seeded chance, from the first ones and from those that led to a new message.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any


@dataclass
class Tally:
    """What came of a reader's inputs.

    Attributes
    ----------
    outcomes: how many were read, refused, failed.
    findings: of each cause of a failure, how often, and the first input.
    """

    engine: str
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: dict[str, dict[str, Any]] = field(default_factory=dict)
    slowest: float = 0.0
    began: float = field(default_factory=time.monotonic)

    def add(self, data: bytes, verdict: Any, seconds: float, folder: Path) -> None:
        """Count a verdict; the first input of a cause of failure is kept in ``folder``."""
        self.outcomes[verdict.outcome] += 1
        self.slowest = max(self.slowest, seconds)
        if verdict.outcome != "failed":
            return
        if verdict.reason not in self.findings:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{hashlib.sha256(data).hexdigest()[:12]}.bin"
            path.write_bytes(data)
            path.with_suffix(".txt").write_text(verdict.story, encoding="utf-8", errors="replace")
            self.findings[verdict.reason] = {"times": 0, "input": str(path)}
        self.findings[verdict.reason]["times"] += 1

    def as_json(self, memory: int) -> dict[str, Any]:
        """The counts, with the bytes that the reader took beyond its start."""
        return {
            "engine": self.engine,
            "inputs": self.outcomes.total(),
            **{name: self.outcomes[name] for name in ("read", "refused", "failed")},
            "findings": self.findings,
            "seconds": round(time.monotonic() - self.began, 1),
            "slowest_seconds": round(self.slowest, 3),
            "peak_bytes": memory,
        }


def main() -> None:
    """Fuzz the reader that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("reader")
    parser.add_argument("--inputs", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--findings", type=Path, required=True)
    parser.add_argument("--result", type=Path, required=True)
    arguments = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    engine = arguments.engine
    if engine == "auto":
        engine = "atheris" if importlib.util.find_spec("atheris") else "mutation"
    if engine == "atheris":
        import atheris

        with atheris.instrument_imports(include=["hyper_ir"], enable_loader_override=False):
            importlib.import_module("tests.fuzz.targets")
    from tests.fuzz.judging import Judge, bound_memory, peak_memory
    from tests.fuzz.mutation import MOST, Mutator
    from tests.fuzz.targets import TARGETS

    target = TARGETS[arguments.reader]
    first = target.first_inputs()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="hyper_ir-fuzz-", dir=memory))
    judge = Judge(target, folder / "input")
    for data in first:  # imports, caches
        judge.judge(data)
    bound_memory()
    before = peak_memory()
    tally = Tally(engine)
    deadline = time.monotonic() + arguments.seconds
    place = arguments.findings / arguments.reader.replace(" ", "-").replace(",", "")

    def done() -> bool:
        return time.monotonic() > deadline or tally.outcomes.total() >= int(arguments.inputs)

    def try_one(data: bytes) -> None:
        start = time.process_time()
        verdict = judge.judge(data)
        tally.add(data, verdict, time.process_time() - start, place)

    def finish() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        found = tally.as_json(max(0, peak_memory() - before))
        arguments.result.write_text(json.dumps(found), encoding="utf-8")

    chance = Random(f"{arguments.seed} {arguments.reader}")
    mutator = Mutator(chance, first)
    for data in first:
        try_one(data)
    if engine == "atheris":
        _lead(try_one, done, finish, mutator, first, arguments, folder)
        return
    kept = list(first)
    while not done():
        data = mutator.mutate(chance.choice(kept))
        known = len(tally.findings), tally.outcomes["read"]
        try_one(data)
        if len(data) < MOST // 8 and (len(tally.findings), tally.outcomes["read"]) != known:
            kept.append(data)  # another change of it is read in another way
            if len(kept) > 500:
                kept.pop(len(first) + chance.randrange(len(kept) - len(first)))
    finish()


def _lead(
    try_one: Any,
    done: Any,
    finish: Any,
    mutator: Any,
    first: list[bytes],
    arguments: argparse.Namespace,
    folder: Path,
) -> None:
    """libFuzzer's loop, which ends the process."""
    import atheris

    from tests.fuzz.mutation import MOST

    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate(first):
        (corpus / str(number)).write_bytes(data)

    def one(data: bytes) -> None:
        if done():
            finish()
            sys.stdout.flush()
            os._exit(0)
        try_one(data)

    def mutated(data: bytes, size: int, seed: int) -> bytes:
        mutator.chance.seed(seed)
        if seed % 3 == 0:
            return bytes(atheris.Mutate(data, size))
        return bytes(mutator.mutate(data)[:size])

    # The judge's own clock counts the processor's seconds, whatever else the machine is at.
    flags = [f"-seed={arguments.seed + 1}", f"-max_len={MOST}", "-rss_limit_mb=0", "-timeout=3600"]
    flags += ["-verbosity=0", "-print_final_stats=0", f"-artifact_prefix={folder}/"]
    flags += ["-report_slow_units=3600"]
    atheris.Setup([sys.argv[0], str(corpus), *flags], one, custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
