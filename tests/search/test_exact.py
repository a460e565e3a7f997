from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.records import Hit
from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.problems import Problems
from hyper_ir.search.exact import ExactSearcher

Vectors = dict[str, dict[str, int]]

tokens = st.sampled_from(["a", "b", "##c", "d", "é", "😀"])
weights = st.integers(1, 4) | st.integers(1, 1_000_000)
vectors = st.dictionaries(tokens, weights, min_size=1, max_size=6)
collections = st.dictionaries(
    st.text("aZ9-é\uffff😀", min_size=1, max_size=3), vectors, min_size=1, max_size=12
)


def naive(documents: Vectors, query: dict[str, int], hits: int, min_idf: float) -> list[str]:
    """The order, straight from the definition: 32-bit products, their exact sum, 32 bits again."""
    kept = {}
    for token in query:
        frequency = sum(token in vector for vector in documents.values())
        if frequency and math.log(len(documents) / frequency) > min_idf:
            kept[token] = query[token]
    scores = {
        id: np.float32(
            sum(
                float(np.float32(vector[token]) * np.float32(weight))
                for token, weight in kept.items()
                if token in vector
            )
        )
        for id, vector in documents.items()
    }
    found = [id for id in documents if scores[id] > 0]
    return sorted(found, key=lambda id: (-scores[id], id.encode()))[:hits]


@given(collections, vectors, st.integers(1, 15), st.sampled_from([-1.0, 0.0, 0.5]))
def test_order_is_the_definitions(
    documents: Vectors, query: dict[str, int], hits: int, min_idf: float
) -> None:
    searcher = ExactSearcher(documents.items(), min_idf=min_idf)
    found = searcher.search([("q", query)], hits)["q"]
    assert [hit.doc_id for hit in found] == naive(documents, query, hits, min_idf)


def test_scores_ties_and_unknown_tokens() -> None:
    documents = {"z": {"x": 2, "y": 1}, "b": {"x": 2}, "a": {"x": 2}, "n": {"y": 7}}
    searcher = ExactSearcher(documents.items())
    found = searcher.search([("1", {"x": 3, "y": 1, "unknown": 9}), ("2", {}), ("3", {"no": 1})], 9)
    assert found["1"] == [
        Hit("n", 7.0),  # 7 · 1, the same as z's 2 · 3 + 1
        Hit("z", float(np.float32(7) - np.float32(1e-6))),
        Hit("a", 6.0),
        Hit("b", float(np.float32(6) - np.float32(1e-6))),
    ]
    assert found["2"] == found["3"] == []


def test_a_token_of_every_document_is_dropped_unless_kept() -> None:
    documents = {"a": {"all": 5, "x": 1}, "b": {"all": 1}}
    query = [("q", {"all": 1, "x": 1})]
    assert ExactSearcher(documents.items()).search(query, 5)["q"] == [Hit("a", 1.0)]
    kept = ExactSearcher(documents.items(), min_idf=-1).search(query, 5)["q"]
    assert kept == [Hit("a", 6.0), Hit("b", 1.0)]


def test_threads_and_batches_do_not_matter() -> None:
    generator = np.random.default_rng(7)
    documents = {
        f"d{i}": {f"t{j}": int(generator.integers(1, 9)) for j in generator.integers(0, 30, 8)}
        for i in range(60)
    }
    queries = [(f"q{i}", {f"t{i}": 1, f"t{i + 1}": 2}) for i in range(20)]
    searcher = ExactSearcher(documents.items())
    together = searcher.search(queries, 10, threads=4)
    assert together == {id: searcher.search([(id, query)], 10)[id] for id, query in queries}


@pytest.mark.parametrize("weight", [0, -1, 1.5, 3.0, True, float("nan"), "1"])
def test_bad_query_weights_are_refused(weight: object) -> None:
    searcher = ExactSearcher({"a": {"x": 1}}.items(), min_idf=-1)
    with pytest.raises(ValueError, match=r"query q7: weight .* of token 'x' is not an integer"):
        searcher.search([("q7", {"x": weight})], 1)  # type: ignore[dict-item]


def test_bad_calls_are_refused() -> None:
    searcher = ExactSearcher({"a": {"x": 1}}.items())
    with pytest.raises(ValueError, match="an id occurs twice"):
        searcher.search([("q", {}), ("q", {})], 1)
    with pytest.raises(ValueError, match=r"^hits: at least 1 is needed, not 0"):
        searcher.search([("q", {})], 0)
    with pytest.raises(ValueError, match="sum to 10,000,001"):
        searcher.search([("q", {"x": 10_000_000, "y": 1})], 1)
    with pytest.raises(ValueError, match="no document"):
        ExactSearcher([])


def test_reading_files(tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    folder.mkdir()
    records = [{"id": "b", "contents": "", "vector": {"x": 2}}, {"id": "a", "vector": {"x": 3}}]
    (folder / "embeddings-00000.jsonl").write_text(json.dumps(records[0]) + "\nbroken\n")
    (folder / "embeddings-00001.jsonl").write_text(json.dumps(records[1]) + "\n")
    write_manifest(folder, Manifest("vectors", vocabulary="v"))
    with pytest.raises(ValueError, match=r"embeddings-00000\.jsonl:2"):
        ExactSearcher.from_files(folder, progress=False)
    problems = Problems("skip")
    searcher = ExactSearcher.from_files(folder, min_idf=-1, problems=problems, progress=False)
    assert problems.count == 1
    assert searcher.manifest is not None
    assert searcher.manifest.vocabulary == "v"
    assert [hit.doc_id for hit in searcher.search([("q", {"x": 1})], 5)["q"]] == ["a", "b"]
    (folder / "embeddings-00000.jsonl").write_text(json.dumps(records[0]) + "\n")
    for documents, fits in [(2, True), (3, False)]:
        write_manifest(folder, Manifest("vectors", counts={"documents": documents}))
        if fits:
            assert ExactSearcher.from_files(folder, progress=False).documents == 2
            continue
        with pytest.raises(ValueError, match="holds 2 documents, but its manifest says 3"):
            ExactSearcher.from_files(folder, progress=False)
        (folder / "embeddings-00001.jsonl").write_text(json.dumps(records[1]) + "\nbroken\n")
        problems = Problems("skip")  # the third may be the one that is skipped
        skipped = ExactSearcher.from_files(folder, problems=problems, progress=False)
        assert (skipped.documents, problems.count) == (2, 1)
    (folder / ".embeddings-00002.jsonl.progress").touch()
    with pytest.raises(ValueError, match="is not finished"):
        ExactSearcher.from_files(folder, progress=False)
