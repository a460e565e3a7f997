"""One line of the doctor's report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["OK", "WARN", "FAIL"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at and how it is.

    Attributes
    ----------
    name: what was looked at.
    status: ``FAIL`` where the job cannot run, ``WARN`` where it runs with a drawback.
    found: what was found.
    cure: what to do about it; empty where there is nothing to do.
    """

    name: str
    status: Status
    found: str
    cure: str = ""

    def line(self) -> str:
        """The check for people: a line, and the cure below it."""
        text = f"{self.status:<5} {self.name:<13} {self.found}"
        return f"{text}\n{'':<20}cure: {self.cure}" if self.cure else text
