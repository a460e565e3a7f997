from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.lucene.impact_indexing import build_impact_index
from hyper_ir.lucene.indexing import Storage, is_index
from hyper_ir.lucene.java import Java
from hyper_ir.lucene.pyserini_api import load
from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.problems import Problems
from tests.lucene.conftest import write_vectors

pytestmark = pytest.mark.jvm

RAW = Storage(raw=True)
"""Has Anserini do the work."""


def everything(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def terms_of(index: Path) -> dict[str, int]:
    """The sum of the weights of each token."""
    return {term.term: term.cf for term in load().LuceneIndexReader(str(index)).terms()}


@pytest.mark.parametrize("storage", [None, RAW])
def test_impact_index_inherits_the_vectors_manifest(
    java_here: Java, tmp_path: Path, storage: Storage | None
) -> None:
    vectors = tmp_path / "vectors"
    write_vectors(vectors / "embeddings-00000.jsonl", {"a": {"##x": 3}, "b": {"y": 300}})
    origin = Manifest(
        "vectors",
        model={"name": "m"},
        vocabulary="abc",
        quantiser={"factor": 100},
        counts={"documents": 2},
    )
    write_manifest(vectors, origin)
    index = tmp_path / "impact"
    manifest = build_impact_index(vectors, index, optimize=True, storage=storage, progress=False)
    assert (manifest.model, manifest.vocabulary) == ({"name": "m"}, "abc")
    assert manifest.quantiser == {"factor": 100}
    assert manifest.config["impact"] is True
    assert manifest.inputs == {"vectors": str(vectors.resolve())}
    assert is_index(index)
    assert everything(tmp_path) == {"vectors", "impact"}
    assert terms_of(index) == {"##x": 3, "y": 300}


def test_what_is_stored_can_be_read(java_here: Java, tmp_path: Path) -> None:
    vectors = write_vectors(tmp_path / "v.jsonl", {"a": {"x": 2}})
    build_impact_index(vectors, tmp_path / "i", storage=RAW, progress=False)
    assert load().LuceneIndexReader(str(tmp_path / "i")).doc_raw("a") is not None


BROKEN = '{"id": "b"}\n{"id": "c", "vector": {"x": 1}}\n'


def test_a_broken_line_is_named_and_leaves_no_index(java_here: Java, tmp_path: Path) -> None:
    vectors = tmp_path / "vectors"
    write_vectors(vectors / "v.jsonl", {"a": {"x": 3}})
    with open(vectors / "v.jsonl", "a") as handle:
        handle.write(BROKEN)
    write_manifest(vectors, Manifest("vectors", quantiser={"factor": 1}, counts={"documents": 3}))
    told = r"v\.jsonl:2: vector is missing"
    with pytest.raises(ValueError, match=told):
        build_impact_index(vectors, tmp_path / "impact", progress=False)
    assert everything(tmp_path) == {"vectors"}
    problems = Problems("skip")
    manifest = build_impact_index(vectors, tmp_path / "i", problems=problems, progress=False)
    assert manifest.counts == {"documents": 2, "skipped": 1}
    assert terms_of(tmp_path / "i") == {"x": 4}
    # Anserini gives a file up at its first broken line, and ends with status 0.
    with pytest.raises(ValueError, match=told):
        build_impact_index(vectors, tmp_path / "impact", storage=RAW, progress=False)
    assert everything(tmp_path) == {"vectors", "i", "impact.log"}
    log = (tmp_path / "impact.log").read_text()
    assert "NullPointerException" in log
    assert "hyper_ir: the index was not kept. Lucene indexed" in log.splitlines()[-1]


@pytest.mark.parametrize(
    ("promised", "storage", "told"),
    [
        (1, None, "holds 2 documents, but its manifest says 1: it was damaged or changed"),
        (3, None, "holds 2 documents, but its manifest says 3: it was damaged or changed"),
        (1, RAW, "indexed 2 of 1 document: it logged no error, so what it r"),
    ],
)
def test_other_documents_than_promised_are_an_error(
    java_here: Java, tmp_path: Path, promised: int, storage: Storage | None, told: str
) -> None:
    vectors = tmp_path / "vectors"
    write_vectors(vectors / "v.jsonl", {"a": {"x": 3}, "b": {"x": 3}})
    counts = {"documents": promised}
    write_manifest(vectors, Manifest("vectors", quantiser={"factor": 1}, counts=counts))
    with pytest.raises(ValueError, match=told):
        build_impact_index(vectors, tmp_path / "impact", storage=storage, progress=False)
    assert not (tmp_path / "impact").exists()


def test_a_longer_token_would_be_cut_in_two(java_here: Java, tmp_path: Path) -> None:
    """Why ``checked_vector`` refuses it; nobody looks where Anserini reads what is counted."""
    vectors = tmp_path / "vectors"
    write_vectors(vectors / "v.jsonl", {"a": {"x" * 255: 1, "y" * 256: 1}})
    with pytest.raises(ValueError, match="longer than 255"):
        build_impact_index(vectors, tmp_path / "impact", progress=False)
    write_manifest(vectors, Manifest("vectors", quantiser={"factor": 1}, counts={"documents": 1}))
    with pytest.raises(ValueError, match="longer than 255"):
        build_impact_index(vectors, tmp_path / "impact", progress=False)
    build_impact_index(vectors, tmp_path / "impact", storage=RAW, progress=False)
    assert set(terms_of(tmp_path / "impact")) == {"x" * 255, "y" * 255, "y"}
