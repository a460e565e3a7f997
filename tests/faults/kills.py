"""Kills at random moments: what is there afterwards, and where a rerun ends."""

from __future__ import annotations

import random
import shutil
import signal
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.faults.jobs import Job, unbroken
from tests.faults.processes import Ended, start


@dataclass
class Kill:
    """One kill.

    Attributes
    ----------
    job: what was killed.
    moment: when, in words.
    struck: whether the process still ran.
    wrong: what was wrong afterwards; empty where the kill was survived.
    """

    job: str
    moment: str
    struck: bool
    wrong: str = ""


class Harness:
    """Runs a job unbroken once, then kills it as often as is asked for.

    Parameters
    ----------
    seed: of the moments.
    folder: where everything is written.
    """

    def __init__(self, job: Job, given: Path, folder: Path, seed: int) -> None:
        self.job = job
        self.given = given
        self.folder = folder
        self.random = random.Random(f"{job.name} {seed}")
        self.number = 0

    @cached_property
    def reference(self) -> tuple[dict[str, bytes], set[str], Ended, float]:
        """The outcome of an unbroken run, the names of its files, its changes, its seconds."""
        out = self.folder / "whole"
        out.mkdir(parents=True)
        began = time.perf_counter()
        ended = start(self.job.words(out), self.folder / "whole.log", out).ended()
        seconds = time.perf_counter() - began
        assert ended.status == 0, ended.printed
        return self.outcome(out), names(out), ended, seconds

    def outcome(self, out: Path) -> dict[str, bytes]:
        """The bytes of what was made; of an index, what it finds."""
        found = contents(out, self.job.final)
        if self.job.verb != "index":
            return found
        if not found:
            return {}
        if any("hyper_ir.manifest" in name for name in found):
            found = {name: found[name] for name in found if name.endswith("hyper_ir.manifest")}
        if "--impact" in self.job.name:
            topics = ["--impact", "--encoder", str(self.given / "start")]
        else:
            topics = ["--bm25"]
        run = self.folder / "found.trec"
        words = ["hyper_ir.search", "--index", f"{out}/index", *topics, "--threads", "1"]
        words += ["--topics", str(self.given / "topics.tsv"), "--output", str(run), "--quiet"]
        unbroken(words, self.folder / "search")
        return found | {"run": run.read_bytes()}

    def kill(self, by_time: bool) -> Kill:
        """Kill the job at a moment of its life, look, rerun it, and compare."""
        _, _, ended, seconds = self.reference
        out = self.new_folder()
        log = out.with_suffix(".log")
        if by_time or not ended.changes:
            after = self.random.uniform(0.05, 1) * seconds
            started = start(self.job.words(out), log, out)
            started.process.join(after)
            started.process.kill()
            moment = f"after {after:.2f} s"
        else:
            change = self.random.randint(1, ended.changes)
            started = start(self.job.words(out), log, out, change)
            moment = f"before change {change} of {ended.changes}"
        struck = started.ended().status == -signal.SIGKILL
        made = Kill(self.job.name, moment, struck, self.half_made(out) or self.gone_on_with(out))
        if not made.wrong:
            shutil.rmtree(out)
        return made

    def new_folder(self) -> Path:
        """An empty folder for the job to write in."""
        self.number += 1
        out = self.folder / f"broken-{self.number}"
        out.mkdir(parents=True)
        return out

    def half_made(self, out: Path) -> str:
        """What is neither absent nor complete, in words; empty where nothing is."""
        whole = self.reference[0]
        found = self.outcome(out)
        for name, content in found.items():
            if content != whole.get(name):
                return f"{name} is there and not what an unbroken run makes"
        for folder in self.job.final:
            if (out / folder).is_dir():
                inside = {name for name in whole if name == "run" or name.startswith(f"{folder}/")}
                if inside - found.keys():
                    return f"{folder} lacks {min(inside - found.keys())}"
        return ""

    def gone_on_with(self, out: Path) -> str:
        """Run the job again on what is there; what is then not as it should be, in words."""
        whole = self.reference[0]
        complete = self.outcome(out).keys() == whole.keys()
        words = [*self.job.words(out), *self.job.resume]
        ended = start(words, out.with_suffix(".log"), out).ended()
        refused = complete and ended.status == 2 and "exists already" in ended.printed
        if ended.status and not refused:
            return f"the rerun ended with {ended.status}: {ended.printed[-500:]}"
        return self.unlike_whole(out) if not refused else ""

    def unlike_whole(self, out: Path) -> str:
        """What an unbroken run would not have made, in words."""
        whole, files, _, _ = self.reference
        found = self.outcome(out)
        differing = [name for name in whole if found.get(name) != whole[name]]
        if differing:
            return f"there is another {differing[0]} than an unbroken run makes"
        litter = names(out) - files
        return f"{min(litter)} was left" if litter else ""


def contents(out: Path, final: tuple[str, ...]) -> dict[str, bytes]:
    """The files of these names, and of the folders of these names, without the folder's own."""
    found: dict[str, bytes] = {}
    for name in final:
        path = out / name
        for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if each.is_file():
                content = each.read_bytes().replace(str(out).encode(), b"OUT")
                found[each.relative_to(out).as_posix()] = content
    return found


def names(out: Path) -> set[str]:
    """All that is there, hidden or not, but for the files inside an index."""
    inside = (path.relative_to(out) for path in out.rglob("*"))
    return {path.as_posix() for path in inside if path.parts[0] != "index" or len(path.parts) == 1}
