"""Claims: of several processes on one file system, one works on a thing at a time.

A claim is a file that names its holder and is touched while the holder lives. One whose process is
gone from this machine is taken over, and one of another machine that was not touched for long.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

HEARTBEAT = 20.0
"""Seconds between two signs of life."""

STALE = 180.0
"""Seconds without one after which a claim counts as abandoned."""

POLL = 1.0
"""Seconds between two looks at a claim that is waited for."""


class Claims:
    """The claims in a folder.

    Parameters
    ----------
    folder: shared by all processes; made where it is missing.
    heartbeat, stale, poll: see the module's constants.
    """

    def __init__(
        self,
        folder: Path,
        heartbeat: float = HEARTBEAT,
        stale: float = STALE,
        poll: float = POLL,
    ) -> None:
        self.folder = folder
        self.heartbeat = heartbeat
        self.stale = stale
        self.poll = poll

    @contextmanager
    def held(self, name: str) -> Iterator[bool]:
        """Hold the claim of this name inside the block; False where another process does."""
        token = self._take(name)
        if token is None:
            yield False
            return
        over = threading.Event()
        beating = threading.Thread(target=self._beat, args=(name, over), daemon=True)
        beating.start()
        try:
            yield True
        finally:
            over.set()
            beating.join()
            with self._lock():
                if self._read(name).get("token") == token:
                    self._path(name).unlink(missing_ok=True)

    @contextmanager
    def awaited(self, name: str) -> Iterator[None]:
        """Hold the claim, after the process that has it has let it go."""
        while True:
            with self.held(name) as mine:
                if mine:
                    yield
                    return
            time.sleep(self.poll)

    def require_mine(self, name: str) -> None:
        """Raise ValueError where a claim that this process held was taken over by another."""
        claim = self._read(name)
        if (claim.get("machine"), claim.get("process")) != (machine(), os.getpid()):
            raise ValueError(
                f"{self._path(name)}: another process took this over while this one stood still "
                f"for over {self.stale:.0f} s; what it makes counts"
            )

    def holder(self, name: str) -> str | None:
        """Who holds a claim, in words; None for nobody who lives."""
        if not self._path(name).exists() or self._abandoned(name):
            return None
        claim = self._read(name)
        return f"{claim.get('host', 'another machine')}, process {claim.get('process', '?')}"

    def _take(self, name: str) -> str | None:
        """The token of a new claim; None where another's is good."""
        self.folder.mkdir(parents=True, exist_ok=True)
        token = uuid.uuid4().hex
        claim = {
            "token": token,
            "host": socket.gethostname(),
            "machine": machine(),
            "process": os.getpid(),
            "began": began(os.getpid()),
            "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        }
        # Looking and taking are one act: of two that find a claim abandoned, one gets it.
        with self._lock():
            path = self._path(name)
            if path.exists() and not self._abandoned(name):
                return None
            path.write_text(json.dumps(claim) + "\n", encoding="utf-8")
        return token

    def _lock(self) -> FileLock:
        return FileLock(self.folder / ".lock")

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.claim"

    def _read(self, name: str) -> dict[str, Any]:
        try:
            value = json.loads(self._path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def _abandoned(self, name: str) -> bool:
        claim = self._read(name)
        if claim.get("machine") == machine():
            process = claim.get("process")
            if not is_alive(process):
                return True
            if claim.get("began") is not None:  # it lives, whatever the clock says
                return bool(began(process) != claim["began"])
        try:
            touched = self._path(name).stat().st_mtime
        except FileNotFoundError:
            return True
        return self._now() - touched > self.stale

    def _now(self) -> float:
        """The time by the clock of the file system, which may be another machine's."""
        probe = self.folder / f".{machine_word()}.{os.getpid()}.now"
        probe.touch()
        try:
            return probe.stat().st_mtime
        finally:
            probe.unlink(missing_ok=True)

    def _beat(self, name: str, over: threading.Event) -> None:
        while not over.wait(self.heartbeat):
            try:
                os.utime(self._path(name))
            except OSError:  # taken away, or the disk is gone for a moment
                continue


def machine() -> str:
    """What a process number is unique in: host, its start, and the container's numbering."""
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    except OSError:  # no Linux
        pass
    return " ".join(parts)


def machine_word() -> str:
    """The host's name as a part of a file's."""
    return "".join(sign if sign.isalnum() else "-" for sign in socket.gethostname())


def is_alive(process: object) -> bool:
    """Whether a process of this number runs on this machine."""
    if not isinstance(process, int) or process < 1:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


def began(process: object) -> str | None:
    """When a process of this machine began, in ticks since the start; None where nobody knows.

    A number may be another process's after its own has ended.
    """
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None
