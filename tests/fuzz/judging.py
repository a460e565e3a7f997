"""What a reader did with one input, judged: read it, refused it, or failed."""

from __future__ import annotations

import re
import resource
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

from hyper_ir.problems import BadRecordError
from tests.fuzz.targets import Target, cleared, consumed

BOUND = 5 << 28
"""Bytes that a reader may take, whatever the input: 1.25 GiB."""

SECONDS = 20
"""Of the processor, that an input of up to 256 KiB may take."""

LONGEST = 15_000
"""Characters of a message, which may list twenty bad records."""

PLACE = re.compile(r":\d+: |: (element|topic) \d+: ")
"""Of a bad record, in a message."""

Outcome = Literal["read", "refused", "failed"]


class HangingError(BaseException):
    """An input took too long."""


@dataclass(frozen=True)
class Verdict:
    """Of one input.

    Attributes
    ----------
    outcome: whether it was read, refused with a ValueError that names the file, or neither.
    reason: of a failure: what was raised, and where; equal for equal causes.
    story: of a failure, the traceback.
    """

    outcome: Outcome
    reason: str = ""
    story: str = ""


class Judge:
    """Gives inputs to a reader.

    Parameters
    ----------
    target: the reader.
    folder: where inputs are written; made, and emptied each time.
    seconds: that an input may take.
    """

    def __init__(self, target: Target, folder: Path, seconds: float = SECONDS) -> None:
        self.target = target
        self.folder = folder
        self.seconds = seconds

    def judge(self, data: bytes) -> Verdict:
        """Have the reader read the input."""
        path, problems = self.target.write(data, cleared(self.folder))
        try:
            with at_most(self.seconds):
                consumed(self.target.read(path, problems))
        except ValueError as error:
            return self._refused(error)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # SystemExit and a panic of Rust's are failures, too
            return _failed(error)
        return Verdict("read")

    def _refused(self, error: ValueError) -> Verdict:
        message = str(error)
        if str(self.folder) not in message and not self.target.keyed:
            return _failed(error, "names no file")
        if isinstance(error, BadRecordError) and not PLACE.search(message):
            return _failed(error, "names no line")
        if len(message) > LONGEST:
            return _failed(error, f"a message of over {LONGEST:,} characters")
        return Verdict("refused")


def _failed(error: BaseException, why: str = "") -> Verdict:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/hyper_ir/" in frame.filename] or list(frames)[-1:]
    place = f"{Path(own[-1].filename).name}:{own[-1].name}" if own else ""
    kind = type(error).__name__
    story = "".join(traceback.format_exception(error, limit=-12))
    story = story if len(story) < 6000 else f"{story[:4000]}\n…\n{story[-2000:]}"
    return Verdict("failed", " ".join(part for part in (kind, why, place) if part), story)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise :class:`HangingError` in the block after so many seconds of the processor."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise HangingError(f"over {seconds:g} s")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def bound_memory(more: int = BOUND) -> None:
    """Let this process take so many bytes more than it has; beyond that, MemoryError."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + more, hard))


def peak_memory() -> int:
    """The most bytes that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
