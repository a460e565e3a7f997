"""A corpus to a folder of vectors by a Ray cluster: many machines, CPU or GPU, resumable."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from hyper_ir.data.corpus import Corpus
from hyper_ir.encode.documents import OutputConfig, check_corpus, settings_of
from hyper_ir.encode.engine import Engine, EngineConfig, choose_device
from hyper_ir.encode.precision import chosen_type, type_name
from hyper_ir.encode.ray_cluster import ClusterConfig, Share, cluster, import_ray
from hyper_ir.encode.ray_workers import Workers, in_short
from hyper_ir.encode.shard_encoder import Task
from hyper_ir.encode.shards import ShardFolder, ShardPlan, missing_shards
from hyper_ir.encode.vector_folder import check_folder
from hyper_ir.encode.windows import parts_of
from hyper_ir.files import require_writable_folder
from hyper_ir.manifest import Manifest
from hyper_ir.version import __version__


def encode_corpus_on_ray(
    engine: Engine,
    corpus: Corpus,
    folder: Path,
    config: OutputConfig | None = None,
    where: ClusterConfig | None = None,
    progress: bool = True,
) -> Manifest:
    """Encode a corpus into ``folder`` and return the folder's manifest.

    The vectors are those of :func:`~hyper_ir.encode.documents.encode_corpus`, in the same order of
    file names and lines, cut into files of ``where.documents`` documents. This process alone reads
    the corpus; workers write into ``folder``, which all machines must share. In memory is, at most,
    a shard for each worker, and one that is next.

    Parameters
    ----------
    engine: gives the model and the windows; each worker makes one of its own, on the device and
        in the mode of ``where``.

    Raises
    ------
    ValueError
        For what ``encode_corpus`` refuses; where Ray is not installed, not to be reached or too
        small; where a machine does not see the folder; and, with its documents, for a shard that
        was tried in vain.
    """
    config, where = config or OutputConfig(), where or ClusterConfig()
    if config.shard_num != 1:
        raise ValueError("shard_id and shard_num: Ray cuts the corpus into shards by itself")
    folder = require_writable_folder(folder, "embeddings").absolute()
    with cluster(where) as share:
        own = replace(engine.config, device=share.device, mode=where.mode, fp16=where.fp16)
        manifest = engine.manifest("vectors", settings_of(config), {"corpus": corpus.describe()})
        told = {**manifest.config, **_described_there(own, share)}
        total = check_corpus(corpus, config, progress)
        windows = -(-where.documents // engine.window)
        plan = ShardPlan(
            folder, config, windows * engine.window, total, replace(manifest, config=told)
        )
        if not config.overwrite:
            check_folder(folder, plan.whole(), [])
        with ShardFolder(plan) as shards:
            finished = plan.finished()
            if len(finished) < plan.shards:
                task = Task(engine.side, own, engine.quantiser, share.threads, plan, shards.token)
                _encode(engine, corpus, task, share, finished, progress)
            return shards.finish(corpus.problems.count)


def _encode(
    engine: Engine,
    corpus: Corpus,
    task: Task,
    share: Share,
    finished: dict[int, str],
    progress: bool,
) -> None:
    plan = task.plan
    with tqdm(
        desc="encoding",
        unit="doc",
        initial=sum(map(plan.documents_of, finished)),
        total=plan.total,
        disable=not progress,
        smoothing=0.1,
    ) as bar:

        def say(line: str) -> None:
            if progress:
                bar.write(line, file=sys.stderr)

        say(f"encoding on Ray in {share}")
        with Workers(task, parts_of(engine)[0], share, say) as workers:
            for report in workers.reports(missing_shards(plan, corpus, finished)):
                bar.update(report.documents)


def _described_there(config: EngineConfig, share: Share) -> dict[str, Any]:
    """Mode and precision as a worker's machine has them, for the manifest.

    Raises ValueError where that machine has no hyper_ir, or another version of it.
    """
    ray = import_ray()
    probe = ray.remote(described).options(**share.options, max_retries=1)
    try:
        version, settings = ray.get(probe.remote(config))
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, ValueError):  # of chosen_type, choose_device
            raise ValueError(f"on a worker's machine: {error.cause}") from error
        raise ValueError(
            f"a worker's machine cannot begin ({error.cause}); hyper_ir must be installed on all"
        ) from error
    except ray.exceptions.RayError as error:
        raise ValueError(
            f"a worker's machine cannot begin ({in_short(error)}); hyper_ir must be installed on "
            "all of them"
        ) from error
    if version != __version__:
        raise ValueError(
            f"a worker's machine has hyper_ir {version}, this one {__version__}: the same is needed"
        )
    found: dict[str, Any] = settings
    return found


def described(config: EngineConfig) -> tuple[str, dict[str, str]]:
    """The version here, and the mode and precision that an engine would have here."""
    kind = chosen_type(config.mode, choose_device(config.device), config.fp16)
    mode = "exact" if kind == torch.float32 else "fast"
    return __version__, {"mode": mode, "precision": type_name(kind)}
