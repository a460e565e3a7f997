"""A cell's runs and scores against a search written out."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.models.retriever import Retriever
from hyper_ir.reproduction.grid import CORPUS, SideConfig
from hyper_ir.reproduction.reproduction import Reproduction
from hyper_ir.reproduction.searchers import DenseSearcher, Searchers
from hyper_ir.reproduction.store import CellFolder
from hyper_ir.training.document_store import DocumentStore
from tests import tiny_models
from tests.reproduction.small_grid import dense_side, worked_off, write_grid

Array = NDArray[np.float64]


def zero_folder(work: Reproduction, name: str) -> CellFolder:
    return CellFolder(work.root / "cells", work.keys(work.cells)[name])


def texts_of(path: Path) -> dict[str, str]:
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return {record["id"]: record["contents"] for record in records}


def naive_scores(model: str, queries: list[str], texts: dict[str, str]) -> Array:
    """Every query's product with every text, each encoded alone; as in Lucene, a term that all
    texts have does not count."""
    retriever = Retriever.from_pretrained(model, None, "mean")
    mine = Engine(retriever, "query", EngineConfig(max_length=24, device="cpu"))
    theirs = Engine(retriever, "document", EngineConfig(max_length=32, device="cpu"))
    documents: list[Any] = [theirs.encode([text])[0] for text in texts.values()]
    found = []
    for query in queries:
        vector: Any = mine.encode([query])[0]
        if isinstance(vector, dict):
            kept = {t: w for t, w in vector.items() if not all(t in each for each in documents)}
            row = [sum(w * each.get(t, 0) for t, w in kept.items()) for each in documents]
        else:
            row = [float(vector @ each) for each in documents]
        found.append(row)
    return np.array(found, dtype=np.float64)


@pytest.mark.parametrize("side", ["splade", "dpr"])
def test_tasks_are_scored_by_pages_as_a_plain_search_has_it(tmp_path: Path, side: str) -> None:
    grid = write_grid(tmp_path, parts=["zero"])
    if side == "dpr":
        grid = replace(grid, splade=SideConfig(), dpr=dense_side(tmp_path))
    work = worked_off(grid)
    folder = zero_folder(work, f"{side}-zero")
    values = folder.read("scores/long.json")["values"]["KILTRprec"]
    dev = Path(grid.data.dev.replace("{task}", "long"))
    records = [json.loads(line) for line in dev.read_text().splitlines()]
    texts = texts_of(Path(grid.data.corpus))
    scores = naive_scores(str(grid.side(side).model), [each["input"] for each in records], texts)
    pages = np.array([id.partition("#")[0] for id in texts])
    for record, row in zip(records, scores, strict=True):
        gold = record["output"][0]["provenance"][0]["wikipedia_id"]
        best = {page: row[pages == page].max() for page in set(pages)}
        others = [score for page, score in best.items() if page != gold]
        if abs(best[gold] - max(others)) < 1e-3:
            continue  # a tie
        assert values[record["id"]] == float(best[gold] > max(others))
    lines = gzip.decompress((folder.path / "runs" / "long.trec.gz").read_bytes()).decode()
    assert "#" not in lines


def test_a_collection_that_holds_its_queries_does_not_give_them_back(tmp_path: Path) -> None:
    grid = write_grid(tmp_path, parts=["zero"])
    folder = zero_folder(worked_off(grid), "splade-zero")
    text = gzip.decompress((folder.path / "runs" / "beir.trec.gz").read_bytes()).decode()
    pairs = [(line.split()[0], line.split()[2]) for line in text.splitlines()]
    assert pairs
    assert all(topic != document for topic, document in pairs)


def test_what_is_shared_is_made_once_and_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = write_grid(tmp_path, parts=["zero"])
    prepared = Reproduction(grid).prepared()
    path = prepared.vectors("splade", CORPUS)
    monkeypatch.setattr("hyper_ir.reproduction.prepared.encode_collection", None)
    assert Reproduction(grid).prepared().vectors("splade", CORPUS) == path
    searchers = Searchers()
    assert searchers.get("vectors", path) is searchers.get("vectors", path)


def test_vectors_of_another_model_are_refused(tmp_path: Path) -> None:
    grid = write_grid(tmp_path / "one", parts=["zero"])
    vectors = Reproduction(grid).prepared().vectors("splade", CORPUS)
    other = write_grid(tmp_path / "two", parts=["zero"])
    tiny_models.save_checkpoint(Path(str(other.splade.model)), seed=9)
    ready = replace(other, splade=replace(other.splade, vectors={CORPUS: str(vectors)}))
    with pytest.raises(ValueError, match="document encoder"):
        Reproduction(ready).prepared().vectors("splade", CORPUS)


def test_dense_search_is_the_product_with_everything(tmp_path: Path) -> None:
    grid = write_grid(tmp_path, parts=["zero"])
    grid = replace(grid, splade=SideConfig(), dpr=dense_side(tmp_path))
    prepared = Reproduction(grid).prepared()
    store = DocumentStore.open(prepared.store("dpr", CORPUS))
    matrix = store.dense([store.id(place) for place in range(len(store))]).numpy()
    queries = np.random.default_rng(0).normal(size=(3, store.width)).astype(np.float32)
    found = DenseSearcher(store).search([(f"q{i}", row) for i, row in enumerate(queries)], 4)
    for number, row in enumerate(queries):
        products = {store.id(place): value for place, value in enumerate(matrix @ row)}
        hits = found[f"q{number}"]
        # Passages of one text have products a rounding apart: any order of them is right.
        wanted = sorted(products.values(), reverse=True)[:4]
        # Two sums of `width` terms in any order differ by as much: n·u each, u = eps / 2.
        terms = float((np.abs(matrix) @ np.abs(row)).max())
        rounding = store.width * float(np.finfo(np.float32).eps) * terms
        near = pytest.approx(wanted, rel=1e-5, abs=rounding)
        assert [hit.score for hit in hits] == near
        assert [products[hit.doc_id] for hit in hits] == near
        assert len({hit.doc_id for hit in hits}) == 4
