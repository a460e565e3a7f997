"""What each worker of a cluster does: shards to files in a folder that all machines see."""

from __future__ import annotations

import json
import socket
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import torch

from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.impacts import Quantiser
from hyper_ir.encode.precision import type_name
from hyper_ir.encode.shards import PROGRESS, Shard, ShardPlan
from hyper_ir.encode.windows import WindowEncoder
from hyper_ir.files import atomic_text, partial_of
from hyper_ir.manifest import write_manifest
from hyper_ir.models.retriever import Retriever


@dataclass(frozen=True)
class Task:
    """What every worker must know.

    Attributes
    ----------
    side, engine, quantiser: of the engine to make.
    threads: of a worker, on a CPU.
    plan: the shards, and where they go.
    token: what the folder's progress file holds, if it is the same folder.
    """

    side: str
    engine: EngineConfig
    quantiser: Quantiser
    threads: int
    plan: ShardPlan
    token: str


class Report(NamedTuple):
    """How a shard went.

    Attributes
    ----------
    documents: how many were written.
    wrong: what went wrong; empty where nothing did.
    again: another attempt may do better.
    """

    documents: int
    wrong: str = ""
    again: bool = False


class ShardEncoder:
    """Encodes shards and writes them; only counts are given back.

    The model is made ready with the first shard. Windows are those of the local engine, so that
    the lines are the same.
    """

    def __init__(self, task: Task, retriever: Retriever) -> None:
        self.task = task
        self._retriever = retriever
        self._encoder: WindowEncoder | None = None

    def report(self, shard: Shard) -> Report:
        """Encode a shard and say how it went; what can be foreseen to fail is not raised."""
        try:
            self._require_folder()
            return Report(self._write(shard))
        except (OSError, RuntimeError, MemoryError) as error:  # may pass, or not be there elsewhere
            return Report(0, self._here(error), again=True)
        except ValueError as error:
            return Report(0, self._here(error))

    def _here(self, error: Exception) -> str:
        return f"{str(error) or type(error).__name__} (on {socket.gethostname()})"

    def _require_folder(self) -> None:
        """See that this is the folder that the run was started with."""
        path = self.task.plan.folder / PROGRESS
        try:
            token = json.loads(path.read_text(encoding="utf-8"))["token"]
        except (OSError, ValueError, KeyError, TypeError):
            token = None
        if token != self.task.token:
            raise ValueError(
                f"a worker does not see the folder {path.parent} that this run was started with; "
                "all machines must share it, under the same name"
            )

    def _write(self, shard: Shard) -> int:
        plan = self.task.plan
        encoder = self._encoder = self._encoder or self._made()
        path = plan.path(shard.number)
        window = encoder.engine.window
        counts: Counter[str] = Counter()

        def beside() -> None:
            size = partial_of(path).stat().st_size
            write_manifest(path, plan.shard_manifest(shard, {**counts, "bytes": size}))

        with atomic_text(path, beside) as handle:
            for start in range(0, len(shard.items), window):
                encoded = encoder(shard.items[start : start + window])
                handle.writelines(line + "\n" for _, line in encoded.lines)
                counts.update(encoded.counts)
        return counts["documents"]

    def _made(self) -> WindowEncoder:
        task = self.task
        torch.set_num_threads(task.threads)
        engine = Engine(self._retriever, task.side, task.engine, task.quantiser)
        wanted = task.plan.manifest.config["precision"]
        if (mine := type_name(engine.kind)) != wanted:
            raise ValueError(
                f"a worker computes in {mine}, others in {wanted}; --mode exact is the same on all"
            )
        return WindowEncoder(engine)
