"""Search's contenders: an index of impacts, built and searched with one thread.

A task says what to do: ``{"what": "build"}`` answers with seconds and the bytes on disk,
``{"what": "search", "k": …}`` with seconds for all topics, and with ``hits`` (a file) it writes
the ids of the documents found, by topic.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.worker import Work

Queries = list[tuple[str, dict[str, int]]]
Found = dict[str, list[str]]


def answering(
    topics: str,
    build: Callable[[], int],
    search: Callable[[Queries, dict[str, Any]], Callable[[], Found]],
) -> Work:
    """A worker's function.

    ``build`` makes the index, opens it, and returns its bytes on disk. ``search`` gets the topics
    and the task, and returns what is timed: all topics at once, to ids in order.
    """
    from hyper_ir.search.encoded_topics import read_encoded_topics

    queries = read_encoded_topics(topics)

    def work(task: dict[str, Any]) -> dict[str, Any]:
        if task["what"] == "build":
            start = time.perf_counter()
            size = build()
            return {"seconds": time.perf_counter() - start, "bytes": size}
        prepared = search(queries, task)
        start = time.perf_counter()
        found = prepared()
        seconds = time.perf_counter() - start
        if "hits" in task:
            Path(task["hits"]).write_text(json.dumps(found), encoding="utf-8")
        return {"seconds": seconds}

    return work


def lucene(vectors: str, topics: str, folder: str) -> Work:
    """hyper_ir's index and searcher, which are Anserini's and Pyserini's."""
    from hyper_ir.lucene.impact_indexing import build_impact_index
    from hyper_ir.lucene.searching import ImpactSearcher

    opened: list[ImpactSearcher] = []
    index = Path(folder) / "lucene"

    def build() -> int:
        build_impact_index(vectors, index, threads=1, overwrite=True, progress=False)
        opened[:] = [ImpactSearcher(index)]
        return size_of(index)

    def search(queries: Queries, task: dict[str, Any]) -> Callable[[], Found]:
        return lambda: _ids(opened[0].search(queries, task["k"], threads=1))

    return answering(topics, build, search)


def exact(vectors: str, topics: str, folder: str) -> Work:
    """hyper_ir's exact searcher, which reads the vectors as they are."""
    from hyper_ir.search.exact import ExactSearcher

    opened: list[ExactSearcher] = []

    def build() -> int:
        opened[:] = [ExactSearcher.from_files(vectors, progress=False)]
        return size_of(Path(vectors))

    def search(queries: Queries, task: dict[str, Any]) -> Callable[[], Found]:
        return lambda: _ids(opened[0].search(queries, task["k"], threads=1))

    return answering(topics, build, search)


def scipy(vectors: str, topics: str, folder: str) -> Work:
    """The few lines that anyone would write: a sparse product and a partition for each topic."""
    from scipy.sparse import csr_array

    from hyper_ir.data.vectors import read_vectors

    tokens: dict[str, int] = {}
    ids: list[str] = []
    matrix: list[Any] = []

    def build() -> int:
        columns: list[int] = []
        weights: list[int] = []
        ends = [0]
        for id, vector, _ in read_vectors(vectors):
            ids.append(id)
            columns += [tokens.setdefault(token, len(tokens)) for token in vector]
            weights += vector.values()
            ends.append(len(columns))
        shape = (len(ids), len(tokens))
        matrix[:] = [csr_array((np.array(weights, np.float32), columns, ends), shape).T.tocsr()]
        return size_of(Path(vectors))

    def search(queries: Queries, task: dict[str, Any]) -> Callable[[], Found]:
        return lambda: {id: best(vector, task["k"]) for id, vector in queries}

    def best(vector: dict[str, int], k: int) -> list[str]:
        known = {tokens[token]: weight for token, weight in vector.items() if token in tokens}
        row = (np.array([*known.values()], np.float32), [*known], [0, len(known)])
        scores = (csr_array(row, (1, len(tokens))) @ matrix[0]).toarray()[0]
        first = np.argpartition(-scores, min(k, len(ids) - 1))[:k]
        order = first[np.argsort(-scores[first], kind="stable")]
        return [ids[place] for place in order.tolist() if scores[place] > 0]

    return answering(topics, build, search)


def seismic(vectors: str, topics: str, folder: str, n_postings: int) -> Work:
    """pyseismic-lsr, which is approximate: tasks say ``query_cut`` and ``heap_factor`` too."""
    import seismic as library

    from hyper_ir.data.vectors import vector_files

    string = library.get_seismic_string()
    opened: list[Any] = []

    def build() -> int:
        joined = Path(folder) / "seismic.jsonl"
        with open(joined, "wb") as handle:  # it reads one file
            for path in vector_files(vectors):
                handle.write(path.read_bytes())
        start = library.SeismicIndex.build(
            str(joined), n_postings=n_postings, load_content=False, num_threads=1
        )
        joined.unlink()
        opened[:] = [start]
        start.save(str(Path(folder) / "saved"))
        return sum(path.stat().st_size for path in Path(folder).glob("saved*"))

    def search(queries: Queries, task: dict[str, Any]) -> Callable[[], Found]:
        names = np.array([id for id, _ in queries], dtype=string)
        components = [np.array([*vector], dtype=string) for _, vector in queries]
        values = [np.array([*vector.values()], dtype=np.float32) for _, vector in queries]

        def run() -> Found:
            found = opened[0].batch_search(
                queries_ids=names,
                query_components=components,
                query_values=values,
                k=task["k"],
                query_cut=task["query_cut"],
                heap_factor=task["heap_factor"],
                num_threads=1,
            )
            return {
                id: [document for _, _, document in hits]
                for (id, _), hits in zip(queries, found, strict=True)
            }

        return run

    return answering(topics, build, search)


def _ids(found: dict[str, Any]) -> Found:
    return {id: [hit.doc_id for hit in hits] for id, hits in found.items()}


def size_of(path: Path) -> int:
    """Bytes of a file, or of a folder's files."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files)
