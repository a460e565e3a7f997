"""Shards to workers of a Ray cluster: one at a time for each, one read ahead, again where it fails.

These are Ray's actors, not Ray Data's pipeline: that bounds in bytes, and softly, what is ahead
(40 shards of 2 MB were, with 20 MB allowed), and tries a shard that kills its worker again, by
default without end, and without telling which it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, NamedTuple

from hyper_ir.encode.ray_cluster import Share, import_ray
from hyper_ir.encode.shard_encoder import Report, ShardEncoder, Task
from hyper_ir.encode.shards import Shard

ATTEMPTS = 3
"""How often a shard is tried."""


class Sent(NamedTuple):
    """A shard on its way.

    Attributes
    ----------
    name: which documents it holds.
    data: the shard, in Ray's store.
    wrong: what went wrong at each attempt so far.
    """

    name: str
    data: Any
    wrong: tuple[str, ...] = ()


class Workers:
    """Workers that each hold the model; use it as a context manager.

    In memory are, on whatever machine, the shard that each worker is at, and one that is next. A
    worker that dies is replaced, on any machine that has room.
    """

    def __init__(
        self,
        task: Task,
        retriever: Any,
        share: Share,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.share = share
        self._say = say
        self._ray = import_ray()
        self._told = (task, self._ray.put(retriever))
        self._free: deque[Any] = deque()
        self._busy: dict[Any, tuple[Any, Sent]] = {}

    def __enter__(self) -> Workers:
        for _ in range(self.share.workers):
            self._free.append(self._started())
        return self

    def _started(self) -> Any:
        encoder = self._ray.remote(ShardEncoder)
        return encoder.options(**self.share.options, max_restarts=0).remote(*self._told)

    def reports(self, shards: Iterator[Shard]) -> Iterator[Report]:
        """Have shards encoded, and yield how each went, in the order in which they are done.

        Raises ValueError, with the documents, for a shard that cannot be encoded.
        """
        again: deque[Sent] = deque()
        ahead = self._next(shards)
        while ahead or again or self._busy:
            while self._free and (again or ahead):
                if again:
                    self._send(again.popleft())
                elif ahead:
                    self._send(ahead)
                    ahead = self._next(shards)
            done, _ = self._ray.wait(list(self._busy), num_returns=1)
            for result in done:
                sent, report = self._received(result)
                if not report.wrong:
                    yield report
                else:
                    again.append(self._once_more(sent, report))

    def _next(self, shards: Iterator[Shard]) -> Sent | None:
        shard = next(shards, None)
        return Sent(str(shard), self._ray.put(shard)) if shard is not None else None

    def _send(self, sent: Sent) -> None:
        worker = self._free.popleft()
        self._busy[worker.report.remote(sent.data)] = (worker, sent)

    def _received(self, result: Any) -> tuple[Sent, Report]:
        worker, sent = self._busy.pop(result)
        try:
            report: Report = self._ray.get(result)
        except self._ray.exceptions.RayTaskError:
            raise  # an error of the program's own
        except self._ray.exceptions.RayError as error:
            self._ray.kill(worker)
            self._free.append(self._started())
            return sent, Report(0, f"its worker died: {in_short(error)}", again=True)
        self._free.append(worker)
        return sent, report

    def _once_more(self, sent: Sent, report: Report) -> Sent:
        wrong = (*sent.wrong, report.wrong)
        if not report.again:
            raise ValueError(f"{sent.name}: {report.wrong}")
        if len(wrong) == ATTEMPTS:
            each = "; ".join(dict.fromkeys(wrong))
            raise ValueError(
                f"{sent.name}: given up after {ATTEMPTS} attempts: {each}; what is done is safe, "
                "and --resume goes on with it"
            )
        self._say(f"{sent.name}: {report.wrong}; attempt {len(wrong) + 1} of {ATTEMPTS}")
        return sent._replace(wrong=wrong)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for worker in [*self._free, *(worker for worker, _ in self._busy.values())]:
            self._ray.kill(worker)


def in_short(error: BaseException) -> str:
    """What Ray says of a dead worker, in a line: the error that ended it, or its machine."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if "creation task" in lines[0]:
        return lines[-1]
    where = next((line for line in lines if line.startswith("ip:")), "")
    return f"{lines[0].rstrip('.')}{f' ({where})' if where else ''}"
