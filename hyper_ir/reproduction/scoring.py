"""A cell tested on its targets: runs, scores query by query, and the prompts' attention."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from hyper_ir.data.records import Topic
from hyper_ir.data.runs import read_run_file, write_run
from hyper_ir.evaluation.measures import parse_measures
from hyper_ir.evaluation.scores import TaskScorer
from hyper_ir.files import write_json
from hyper_ir.lucene.impact_indexing import build_impact_index
from hyper_ir.models.retriever import Retriever
from hyper_ir.reproduction.cells import Cell
from hyper_ir.reproduction.collection_vectors import build_store, encode_collection
from hyper_ir.reproduction.prepared import Prepared
from hyper_ir.reproduction.query_side import QuerySide
from hyper_ir.reproduction.searchers import Kind, Searchers, open_searcher
from hyper_ir.reproduction.store import CellFolder
from hyper_ir.reproduction.targets import Target
from hyper_ir.search.pipeline import Search

BATCH = 1024
"""Topics handed to a searcher together."""


@dataclass(frozen=True)
class Questions:
    """A target's queries, what scores their runs, and what the scores follow from."""

    topics: list[Topic]
    scorer: TaskScorer
    settings: dict[str, Any]


class Scoring:
    """Tests cells; collections stay open between them.

    Parameters
    ----------
    targets: all of the grid, by name.
    """

    def __init__(self, prepared: Prepared, targets: dict[str, Target]) -> None:
        self.prepared = prepared
        self.targets = targets
        self.searchers = Searchers()
        self._read: dict[str, Questions] = {}

    def missing(self, cell: Cell, folder: CellFolder) -> list[Target]:
        """The cell's targets that it was not tested on yet, one collection after the other."""
        wanted = [self.targets[name] for name in cell.tests]
        left = [target for target in wanted if not self._is_done(target, folder)]
        order = list(dict.fromkeys(target.collection for target in left))
        return sorted(left, key=lambda target: order.index(target.collection))

    def _is_done(self, target: Target, folder: CellFolder) -> bool:
        name = f"scores/{target.name}.json"
        if not folder.has(name):
            return False
        return bool(folder.read(name)["settings"] == self.questions(target).settings)

    def questions(self, target: Target) -> Questions:
        """A target's queries and judgments, read once."""
        if target.name not in self._read:
            topics, judgments = target.read()
            scorer = TaskScorer(target.name, judgments, parse_measures(target.measures))
            self._read[target.name] = Questions(topics, scorer, target.settings(topics, judgments))
        return self._read[target.name]

    def score(self, cell: Cell, folder: CellFolder, model: str | None) -> None:
        """Test the cell on what is missing.

        ``model``: folder or name of its retriever; None for BM25.
        """
        targets = self.missing(cell, folder)
        if not targets:
            return
        queries = None if model is None else _query_side(cell, model, self.prepared.grid.device)
        for collection, group in groupby(targets, key=lambda target: target.collection):
            searcher = self._searcher(cell, folder, queries, collection)
            for target in group:
                self._test(folder, target, searcher, queries)
            shutil.rmtree(folder.scratch / collection, ignore_errors=True)
        shutil.rmtree(folder.scratch, ignore_errors=True)

    def _searcher(
        self, cell: Cell, folder: CellFolder, queries: QuerySide | None, collection: str
    ) -> Any:
        prepared = self.prepared
        if queries is None:
            return self.searchers.get("bm25", prepared.index(collection))
        kind = queries.kind(prepared.grid.engine)
        assert cell.recipe is not None
        if not cell.trained or cell.recipe.freeze != "none":
            return self.searchers.get(kind, prepared.searched(kind, cell.side, collection))
        return self._own_searcher(kind, folder, queries, collection)

    def _own_searcher(
        self, kind: Kind, folder: CellFolder, queries: QuerySide, collection: str
    ) -> Any:
        """Of documents that the cell's own model encodes; they do not stay."""
        prepared, home = self.prepared, folder.scratch / collection
        path = vectors = home / "vectors"
        corpus = prepared.corpus(collection)
        length = prepared.grid.data.document_length
        encode_collection(queries.retriever, corpus, vectors, prepared.grid, length)
        if kind == "impact":
            path = home / "index"
            build_impact_index(vectors, path, threads=prepared.grid.threads, overwrite=True)
        elif kind == "dense":
            path = home / "store"
            build_store(queries.retriever, vectors, path)
        return open_searcher(kind, path)

    def _test(
        self, folder: CellFolder, target: Target, searcher: Any, queries: QuerySide | None
    ) -> None:
        questions = self.questions(target)
        topics = questions.topics
        run = folder.path / "runs" / f"{target.name}.trec.gz"
        path = folder.path / "scores" / f"{target.name}.json"
        alphas = folder.path / "attention" / f"{target.name}.npz"
        for old in (path, run, alphas):
            folder.forget(old.relative_to(folder.path).as_posix())
        start = time.perf_counter()
        if queries is None:
            asked: list[tuple[str, Any]] = [(topic.id, topic.text) for topic in topics]
        else:
            asked = queries.encode(topics)
        encoded = time.perf_counter()
        search = Search(searcher, target.depth, BATCH, self.prepared.grid.threads)
        write_run(run, search.run(asked, progress=False), "hyper_ir")
        searched = time.perf_counter()
        scores = questions.scorer.score("run", read_run_file(run).scores)
        value = {
            "settings": questions.settings,
            "topics": len(topics),
            "without_results": scores.without_results,
            "mean": scores.overall,
            "values": scores.values,
            "seconds": {"encode": encoded - start, "search": searched - encoded},
        }
        write_json(path, value)
        made = [run, path]
        if queries is not None and (attention := queries.attention(topics)) is not None:
            made.append(alphas)
            alphas.parent.mkdir(exist_ok=True)
            ids = np.array([topic.id for topic in topics])
            np.savez_compressed(alphas, attention=attention, topics=ids)
        folder.finish(made)


def _query_side(cell: Cell, model: str, device: str) -> QuerySide:
    assert cell.recipe is not None
    recipe = cell.recipe
    kind = (None, None) if cell.trained else (recipe.head, recipe.dense_pooling)
    retriever = Retriever.from_pretrained(model, *kind)
    return QuerySide(retriever, recipe.batch.query_length, device)
