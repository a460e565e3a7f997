"""Bad records: stop at the first, or count and list them."""

from __future__ import annotations

from typing import Literal

from hyper_ir.wording import counted

LONGEST = 500
"""Characters of what is said of a record: of one with a key of megabytes, too."""


class BadRecordError(ValueError):
    """One record is bad, and the policy is to stop: others could be read without it."""


class Problems:
    """What to do with a bad record: stop at the first, or count it, list it, and go on.

    Parameters
    ----------
    policy: ``"stop"`` raises BadRecordError (a ValueError) at the first problem; ``"skip"`` counts
        it and lets the reader go on with the next record.
    keep: how many problems are kept in words for the report.
    """

    def __init__(self, policy: Literal["stop", "skip"] = "stop", keep: int = 20) -> None:
        if policy not in ("stop", "skip"):
            raise ValueError(f"policy: {policy!r} is neither 'stop' nor 'skip'")
        self.policy = policy
        self.keep = keep
        self.count = 0
        self.examples: list[str] = []

    def found(self, where: str, what: str) -> None:
        """Report that the record at ``where`` is bad; raises BadRecordError under ``"stop"``."""
        message = f"{where}: {what if len(what) <= LONGEST else what[: LONGEST - 1] + '…'}"
        if self.policy == "stop":
            raise BadRecordError(message)
        self.count += 1
        if len(self.examples) < self.keep:
            self.examples.append(message)

    def summary(self) -> str:
        """A line with the count and, below it, the first problems in words; empty without any."""
        if not self.count:
            return ""
        more = self.count - len(self.examples)
        lines = [f"skipped {counted(self.count, 'bad record')}:"]
        lines += [f"  {example}" for example in self.examples]
        if more:
            lines.append(f"  and {more:,} more")
        return "\n".join(lines)
