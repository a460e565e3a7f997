"""``python -m benchmarks.search``: topics a second of impact search, on one thread.

Lucene and the exact searchers find the same documents; pyseismic-lsr is approximate, and stands at
the fastest of those of its settings that find as large a share of them as is asked for.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import machine, reports
from benchmarks.harness import (
    Contender,
    Spread,
    Turn,
    Worker,
    WorkerError,
    interleaved,
    speed_ratios,
)
from benchmarks.options import check, minilm, parser, say
from hyper_ir.command import run

EXACT = ("exact", "lucene", "scipy")
SEISMIC = "pyseismic-lsr"
QUERY_CUTS = (3, 5, 10, 20, 40, 80, 1000)
HEAP_FACTORS = (1.0, 0.9, 0.8, 0.7, 0.5, 0.3)


def opened(
    stack: ExitStack, vectors: Path, topics: Path, folder: Path, arguments: argparse.Namespace
) -> tuple[dict[str, Worker], dict[str, Any], dict[str, str]]:
    """Workers with their indexes built, what building took, and why others are missing."""
    settings = {"vectors": str(vectors), "topics": str(topics), "folder": str(folder)}
    sides = [Contender(name, f"benchmarks.searchers:{name}", settings) for name in EXACT]
    more = {**settings, "n_postings": arguments.n_postings}
    sides.append(Contender(SEISMIC, "benchmarks.searchers:seismic", more))
    workers, built, missing = {}, {}, {}
    for side in sides:
        worker = stack.enter_context(Worker(side, arguments.threads))
        try:
            built[side.name] = worker.run(what="build")
            workers[side.name] = worker
            say(f"{side.name}: index in {built[side.name]['seconds']:.1f} s")
        except WorkerError as error:
            missing[side.name] = str(error).splitlines()[-1]
            say(f"{side.name} is left out: {error}")
    return workers, built, missing


class Judge:
    """Knows the topics and the true scores.

    Parameters
    ----------
    folder: for files on the way.
    """

    def __init__(self, vectors: Path, topics: Path, folder: Path) -> None:
        from benchmarks.truth import Truth
        from hyper_ir.data.vectors import read_vectors
        from hyper_ir.search.encoded_topics import read_encoded_topics

        self.topics = read_encoded_topics(topics)
        self._truth = Truth((id, vector) for id, vector, _ in read_vectors(vectors))
        self._path = folder / "hits.json"

    def judged(self, worker: Worker, task: dict[str, Any]) -> tuple[float, float]:
        """The recall of a search, and its seconds."""
        answer = worker.run(**task, hits=str(self._path))
        found = json.loads(self._path.read_text(encoding="utf-8"))
        return self._truth.recall(self.topics, found, task["k"]), float(answer["seconds"])


def sweep(
    worker: Worker, judge: Judge, task: dict[str, Any], wanted: Sequence[float]
) -> dict[float, dict[str, Any]]:
    """For each recall that is wanted, the fastest setting with it, or the one with the most."""
    tried: list[dict[str, Any]] = []
    for cut, factor in itertools.product(QUERY_CUTS, HEAP_FACTORS):
        setting = {"query_cut": cut, "heap_factor": factor}
        share, seconds = judge.judged(worker, {**task, **setting})
        tried.append({"setting": setting, "recall": share, "seconds": seconds})
    return {
        share: min(
            (one for one in tried if one["recall"] >= share),
            key=lambda one: one["seconds"],
            default=max(tried, key=lambda one: one["recall"]),
        )
        for share in wanted
    }


def compare(
    workers: dict[str, Worker], judge: Judge, k: int, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Seconds of every round, and recall, of each engine at one k."""
    turns, recalls, chosen = [], {}, {}
    task = {"what": "search", "k": k}
    for name, worker in workers.items():
        if name != SEISMIC:
            recalls[name], _ = judge.judged(worker, task)
            turns.append(Turn(worker, task))
            continue
        for share, found in sweep(worker, judge, task, arguments.recall).items():
            label = f"{name}, recall ≥ {share:g}"
            recalls[label], chosen[label] = found["recall"], found["setting"]
            turns.append(Turn(worker, {**task, **found["setting"]}, label=label))
    answers = interleaved(turns, arguments.rounds, say)
    times = {name: [answer["seconds"] for answer in runs] for name, runs in answers.items()}
    return {"seconds": times, "recall": recalls, "settings": chosen, "topics": len(judge.topics)}


def speed_table(results: dict[str, Any], lucene: str = "lucene") -> str:
    """Queries a second, beside Lucene's, with the share of the exact hits that is found."""
    rows = []
    for k, found in results.items():
        runs = {
            name: [{"seconds": each} for each in times] for name, times in found["seconds"].items()
        }
        for name, times in found["seconds"].items():
            rate = Spread.of([found["topics"] / each for each in times]).shown(".0f")
            ratio = speed_ratios(runs[name], runs[lucene]).shown() if lucene in runs else ""
            setting = found["settings"].get(name, {})
            words = ", ".join(f"{key} {value}" for key, value in setting.items())
            rows.append([f"k = {k}, {name}", rate, ratio, f"{found['recall'][name]:.4f}", words])
    return reports.table(["", "queries/s", "× Lucene", "recall", "settings"], rows)


def build_table(built: dict[str, Any], missing: dict[str, str]) -> str:
    """Seconds and MiB of each index; the exact searchers read the vectors instead."""
    rows = [
        [name, f"{one['seconds']:.1f}", f"{one['bytes'] / 2**20:.1f}"]
        for name, one in built.items()
    ]
    rows += [[f"{name}: {why}", "", ""] for name, why in missing.items()]
    return reports.table(["engine", "built or read in, s", "on disk, MiB"], rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Build, search at every k, write the results, and print the tables."""
    made = parser("search", __doc__ or "", rounds=5)
    made.set_defaults(threads=1)
    made.add_argument("--vectors", type=Path, help="a folder of vectors; default: made anew")
    made.add_argument("--topics", type=Path, help="encoded topics of the same model")
    made.add_argument("--hits", type=int, nargs="+", default=[10, 100, 1000], help="each k")
    made.add_argument("--recall", type=float, nargs="+", default=[0.95, 0.99], help="of seismic")
    made.add_argument("--n-postings", type=int, default=3500, help="seismic's, its own default")
    arguments = made.parse_args(argv)
    check(arguments)
    if (arguments.vectors is None) != (arguments.topics is None):
        raise ValueError("--vectors and --topics go together: give both, or neither")
    if min(arguments.hits) < 1:
        raise ValueError(f"hits: {min(arguments.hits)} is not a positive number")

    from benchmarks.search_data import make_vectors

    about = machine.described(arguments.threads)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        vectors, topics = arguments.vectors, arguments.topics
        if vectors is None:
            vectors, topics = make_vectors(folder, minilm(arguments))
        workers, built, missing = opened(stack, vectors, topics, folder, arguments)
        judge = Judge(vectors, topics, folder)
        found = {str(k): compare(workers, judge, k, arguments) for k in arguments.hits}
    results = {"machine": about, "built": built, "missing": missing, "search": found}
    parts = [speed_table(found), build_table(built, missing), machine.in_words(about)]
    print(reports.write(arguments.output, "search", results, parts))


if __name__ == "__main__":
    run(main)
