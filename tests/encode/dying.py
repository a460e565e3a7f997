"""Workers that die, for tests: they must lie where another process can import them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from hyper_ir.encode.shard_encoder import Report, ShardEncoder
from hyper_ir.encode.shards import Shard

DEADLY = 1
"""The shard that kills."""


class DiesOnce(ShardEncoder):
    """Killed in the middle of writing a shard, the first time it comes."""

    def report(self, shard: Shard) -> Report:
        """Write half a file and die, or do as always."""
        plan = self.task.plan
        if shard.number == DEADLY and died(plan.folder, self.limit):
            half = plan.path(shard.number).with_name(f".{plan.path(shard.number).name}.partial")
            half.write_text('{"id": "half')
            os.kill(os.getpid(), signal.SIGKILL)
        return super().report(shard)

    limit = 1


class DiesAlways(DiesOnce):
    """Killed whenever the shard comes."""

    limit = 1000


def died(folder: Path, limit: int) -> bool:
    """Note beside the folder that a worker is to die now, unless enough have."""
    notes = folder.with_name(folder.name + ".deaths")
    before = len(notes.read_text()) if notes.exists() else 0
    if before < limit:
        with open(notes, "a") as handle:
            handle.write("x")
    return before < limit
