"""Reaching a Ray cluster, or starting one on this machine, and sharing it out among workers."""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from hyper_ir.encode.crews import PROCESSES_A_GPU
from hyper_ir.encode.precision import Mode
from hyper_ir.wording import counted

ADDRESS_VARIABLE = "RAY_ADDRESS"
LOCAL = "local"

THREADS = 4
"""Of a worker on CPUs, unless said otherwise: a copy of the model for each core takes memory."""

CONNECT_SECONDS = 10


@dataclass(frozen=True)
class ClusterConfig:
    """Where and with what to encode.

    Attributes
    ----------
    address: ``HOST:6379`` of a cluster's head, ``"auto"`` for the cluster that this machine is
        in, ``"local"`` for one on this machine alone that ends with the run; None takes the
        environment's RAY_ADDRESS, else ``"local"``.
    workers: processes that each hold the model; None takes what the cluster offers.
    threads: of each, on a CPU.
    device: ``"cpu"``, ``"cuda"``, or ``"auto"``: GPUs where the cluster has some.
    mode, fp16: as in :class:`~hyper_ir.encode.engine.EngineConfig`.
    documents: of a shard, made full windows; one is lost where a worker dies.
    """

    address: str | None = None
    workers: int | None = None
    threads: int | None = None
    device: str = "auto"
    mode: Mode = "exact"
    fp16: bool = False
    documents: int = 2048

    def __post_init__(self) -> None:
        numbers = {"workers": self.workers, "threads": self.threads, "documents": self.documents}
        for name, value in numbers.items():
            if value is not None and value < 1:
                raise ValueError(f"{name}: at least 1, not {value}")
        if self.device not in ("auto", "cpu", "cuda"):
            raise ValueError(
                f"device: {self.device!r}; Ray gives each worker its GPU: say cuda, cpu or auto"
            )


@dataclass(frozen=True)
class Share:
    """What each worker gets of the cluster.

    Attributes
    ----------
    workers: how many.
    threads: cores of each.
    gpus: GPUs of each, a part where several share one; 0 for CPUs.
    """

    workers: int
    threads: int
    gpus: float

    @property
    def device(self) -> str:
        """Where its engine computes."""
        return "cuda" if self.gpus else "cpu"

    @property
    def options(self) -> dict[str, float]:
        """What Ray is to set aside for it."""
        return {"num_cpus": self.threads, "num_gpus": self.gpus}

    def __str__(self) -> str:
        size = f"1/{round(1 / self.gpus)} GPU" if 0 < self.gpus < 1 else "1 GPU"
        each = size if self.gpus else counted(self.threads, "thread")
        return f"{counted(self.workers, 'worker')} of {each}"


def import_ray() -> Any:
    """The module ray; raises ValueError where it is not installed."""
    # Read at import, and inherited by all that Ray starts.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        return import_module("ray")
    except ImportError as error:
        raise ValueError(
            f"--engine ray needs Ray ({error}): pip install 'hyper_ir[ray]'"
        ) from error


@contextmanager
def cluster(config: ClusterConfig) -> Iterator[Share]:
    """Be connected to the cluster; gives what each worker has of it.

    Where the program is connected already, that connection is used and kept.

    Raises ValueError where Ray is not installed, the address does not answer, or the cluster is
    too small for what was asked for.
    """
    ray = import_ray()
    if ray.is_initialized():
        yield shared_out(ray.nodes(), config)
        return
    try:
        with _signals_kept():
            _connect(ray, config)
        yield shared_out(ray.nodes(), config)
    finally:
        ray.shutdown()


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself, and exits without a word."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if main and before is not None:
            signal.signal(signal.SIGTERM, before)


def _connect(ray: Any, config: ClusterConfig) -> None:
    address = config.address or os.environ.get(ADDRESS_VARIABLE) or LOCAL
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        settings["include_dashboard"] = False
        # Ray would have its workers wait for whatever else this machine does (nice 15).
        os.environ.setdefault("RAY_worker_niceness", "0")
        if config.workers is not None and config.threads is not None:
            settings["num_cpus"] = max(config.workers * config.threads, os.cpu_count() or 1)
    else:
        _require_answer(address)
    try:
        ray.init(address=address, **settings)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        first = str(error).strip().partition("\n")[0]
        raise ValueError(f"Ray at {address}: no connection ({first})") from error


def _require_answer(address: str) -> None:
    """Ray itself tries for minutes, and ends the process."""
    if "://" in address:
        raise ValueError(
            f"Ray at {address}: give the cluster's own HOST:PORT (6379, mostly) from one of its "
            "machines, or hand the command to ray job submit"
        )
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(
            f"Ray at {address}: HOST:PORT is needed, 10.0.0.1:6379 for example; or auto"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ValueError(
            f"Ray at {address}: no answer ({error}); ray status on the cluster's head shows "
            "whether it runs, and where"
        ) from error


def shared_out(nodes: list[dict[str, Any]], config: ClusterConfig) -> Share:
    """What each worker gets of these machines, as ``ray.nodes()`` describes them.

    Raises ValueError where they are too small.
    """
    alive = [node.get("Resources", {}) for node in nodes if node.get("Alive", True)]
    cores = [int(each.get("CPU", 0)) for each in alive]
    gpus = int(sum(each.get("GPU", 0) for each in alive))
    if config.device == "cuda" and not gpus:
        raise ValueError("--device cuda: the cluster offers no GPU")
    if gpus and config.device != "cpu":
        workers = config.workers or max(1, min(PROCESSES_A_GPU * gpus, sum(cores)))
        return Share(workers, config.threads or 1, 1 / math.ceil(workers / gpus))
    threads = config.threads
    if threads is None:
        even = sum(cores) // config.workers if config.workers else THREADS
        threads = max(1, min(even, max(cores, default=0)))
    room = sum(each // threads for each in cores)
    workers = config.workers or room
    if not room or workers > room:
        raise ValueError(
            f"the cluster offers {counted(sum(cores), 'core')} on "
            f"{counted(len(alive), 'machine')}: too few for {counted(max(workers, 1), 'worker')} "
            f"of {counted(threads, 'thread')}; give fewer --workers or --threads"
        )
    return Share(workers, threads, 0)
