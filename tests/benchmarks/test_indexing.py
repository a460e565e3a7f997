from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.indexing import OURS, STOCK, main, repeated, require_same_hits, table
from hyper_ir.lucene.impact_indexing import build_impact_index
from tests.java_here import java_or_skip
from tests.lucene.conftest import write_vectors

VECTORS = {"a": {"x": 3, "y": 1}, "b": {"y": 2}}


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    write_vectors(tmp_path / "v" / "v.jsonl", VECTORS)
    return tmp_path / "v"


@pytest.fixture
def topics(tmp_path: Path) -> Path:
    (tmp_path / "topics.jsonl").write_text('{"id": "1", "vector": {"x": 2, "y": 1}}\n')
    return tmp_path / "topics.jsonl"


def test_vectors_come_over_again_under_ids_of_their_own(vectors: Path) -> None:
    expected = [("d0", VECTORS["a"]), ("d1", VECTORS["b"]), ("d2", VECTORS["a"])]
    assert list(repeated(vectors, 3)) == expected


@pytest.mark.jvm
def test_indexes_that_answer_differently_are_told(
    vectors: Path, topics: Path, tmp_path: Path
) -> None:
    java_or_skip()
    write_vectors(tmp_path / "other.jsonl", {**VECTORS, "c": {"x": 9}})
    build_impact_index(vectors, tmp_path / "i", progress=False)
    build_impact_index(tmp_path / "other.jsonl", tmp_path / "j", progress=False)
    require_same_hits(tmp_path / "i", tmp_path / "i", topics)
    with pytest.raises(ValueError, match="differently"):
        require_same_hits(tmp_path / "i", tmp_path / "j", topics)


def test_the_table() -> None:
    runs = {
        STOCK: [{"seconds": 10.0}, {"seconds": 12.0}],
        OURS: [{"seconds": 5.0}, {"seconds": 4.0}],
    }
    one = {"documents": 1000, "terms": 20.4, "weight": 3000.0, "runs": runs}
    last = table({"1": one}).splitlines()[-1]
    assert last == "| 1,000 | 20 | 3,000 | 92 (83–100) | 225 (200–250) | 2.5 (2.0–3.0) |"


@pytest.mark.slow
@pytest.mark.jvm
def test_the_whole(vectors: Path, topics: Path, tmp_path: Path) -> None:
    java_or_skip()
    given = ["--vectors", str(vectors), "--topics", str(topics), "--documents", "20"]
    main([*given, "--rounds", "1", "--scales", "2", "--output", str(tmp_path)])
    found = json.loads((tmp_path / "indexing.json").read_text())["indexing"]["2"]
    assert (found["terms"], found["weight"]) == (1.5, 6)
    assert all(found["runs"][name][0]["seconds"] > 0 for name in (STOCK, OURS))
