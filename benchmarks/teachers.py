"""``python -m benchmarks.teachers``: what BM25 adds to a dense teacher, by its weight.

Queries of examples are searched in the whole collection by cosine, by BM25, and by the sums that
``teacher.bm25`` makes of them; a score is the page-level R-precision of the examples' positives.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import machine, reports
from benchmarks.options import check, say
from hyper_ir.command import Parser, run
from hyper_ir.data.examples import TrainingExample
from hyper_ir.data.records import page_of

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8)
BATCH = 64
"""Queries whose scores of all documents are in memory together."""


def r_precision(pages: Sequence[str], positives: set[str]) -> float:
    """The share of the gold pages among as many different ones that stand first."""
    first = list(dict.fromkeys(pages))[: len(positives)]
    return len(positives.intersection(first)) / len(positives)


def fused(
    products: NDArray[np.float32], words: NDArray[np.float32], weight: float
) -> NDArray[np.float32]:
    """``product + weight · BM25 / the query's best``, (queries, documents)."""
    from hyper_ir.training.word_match import best_of

    sums: NDArray[np.float32] = products + weight * words / best_of(torch.from_numpy(words)).numpy()
    return sums


def best_pages(scores: NDArray[np.float32], pages: NDArray[np.str_], depth: int) -> list[list[str]]:
    """Each query's pages by their best document's score, of its ``depth`` best documents."""
    depth = min(depth, scores.shape[1])
    chosen = np.argpartition(-scores, depth - 1, axis=1)[:, :depth]
    ranked = np.argsort(-np.take_along_axis(scores, chosen, axis=1), axis=1, kind="stable")
    places = np.take_along_axis(chosen, ranked, axis=1)
    return [list(map(str, pages[row])) for row in places]


def measured(arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Mean R-precision by system and task, and their mean as ``average``."""
    from hyper_ir.data.corpus import open_corpus
    from hyper_ir.encode.engine import Engine, EngineConfig
    from hyper_ir.models.retriever import Retriever
    from hyper_ir.problems import Problems
    from hyper_ir.training.contrastive import document_number
    from hyper_ir.training.document_sources import check_vectors
    from hyper_ir.training.example_set import ExampleSet, sample_of
    from hyper_ir.training.word_match import WordMatch

    examples = sample_of(ExampleSet([arguments.examples]), arguments.per_task, arguments.seed)
    retriever = Retriever.from_pretrained(str(arguments.encoder), "dense", arguments.pooling)
    check_vectors(arguments.vectors, retriever, "vectors")
    say("counting words")
    passages = list(open_corpus(str(arguments.corpus), problems=Problems()))
    match = WordMatch(passages)
    ids, vectors = _vectors(arguments.vectors, retriever.document.head.width)
    numbers = torch.tensor([document_number(id) for id in ids])
    pages = np.array([page_of(id) for id in ids])
    say(f"encoding {len(examples):,} queries")
    engine = Engine(retriever, "query", EngineConfig())
    encoded: list[Any] = list(engine.encode([example.query for example in examples]))
    queries = np.stack(encoded)
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for start in range(0, len(examples), BATCH):
        rows = slice(start, start + BATCH)
        batch = examples[rows]
        words = match.scores(match.words([example.query for example in batch]), numbers).numpy()
        products = queries[rows] @ vectors.T
        systems = {"BM25": words} | {
            f"cosine + {weight:g} BM25": fused(products, words, weight)
            for weight in arguments.weights
        }
        for name, scores in systems.items():
            _add(values[name], batch, best_pages(scores, pages, arguments.depth))
    return {name: _means(tasks) for name, tasks in values.items()}


def _vectors(path: Path, width: int) -> tuple[list[str], NDArray[np.float32]]:
    import tempfile

    from hyper_ir.training.document_store import DocumentStore

    with tempfile.TemporaryDirectory() as folder:
        store = DocumentStore.build(Path(folder) / "store", path, width, None, 1.0)
        ids = [store.id(place) for place in range(len(store))]
        return ids, store.dense(ids).float().numpy()


def _add(
    values: Mapping[str, list[float]], batch: Sequence[TrainingExample], found: list[list[str]]
) -> None:
    for example, pages in zip(batch, found, strict=True):
        positives = {page_of(id) for id in example.positive_ids}
        values[example.task].append(r_precision(pages, positives))


def _means(tasks: Mapping[str, list[float]]) -> dict[str, float]:
    means = {task: float(np.mean(values)) for task, values in tasks.items()}
    return means | {"average": float(np.mean(list(means.values())))}


def parser() -> Parser:
    """The command's arguments."""
    made = Parser(
        "python -m benchmarks.teachers",
        "Score a dense teacher, BM25, and their sums on examples' queries over all documents.",
        "python -m benchmarks.teachers --examples examples.dev.jsonl \\\n"
        "  --corpus knowledgesource.jsonl.gz --encoder models/minilm --vectors vectors/minilm",
    )
    add = made.add_argument
    add("--examples", type=Path, required=True, help="of python -m hyper_ir.mine")
    add("--corpus", type=Path, required=True, help="the collection")
    add("--encoder", type=Path, required=True, help="the dense teacher's folder")
    add("--pooling", choices=["mean", "cls"], default="mean", help="of the teacher")
    add("--vectors", type=Path, required=True, help="the collection's, of the teacher")
    add("--weights", type=float, nargs="+", default=WEIGHTS, help="of BM25, the best counting 1")
    add("--per-task", type=int, default=150, help="queries drawn of each task")
    add("--depth", type=int, default=100, help="documents whose pages are looked at")
    add("--seed", type=int, default=42, help="of the draw")
    add("--output", type=Path, default=reports.RESULTS, help="folder of the results")
    return made


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print, and write."""
    arguments = parser().parse_args(argv)
    check(arguments, ("per_task", "depth"))
    found = measured(arguments)
    tasks = list(next(iter(found.values())))
    rows = [[name, *(f"{means[task]:.3f}" for task in tasks)] for name, means in found.items()]
    about = machine.described(torch.get_num_threads())
    results: dict[str, Any] = {"machine": about, "r_precision": found}
    table = reports.table(["R-precision of pages", *tasks], rows)
    print(reports.write(arguments.output, "teachers", results, [table, machine.in_words(about)]))


if __name__ == "__main__":
    run(main)
