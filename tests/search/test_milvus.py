"""Milvus against Lucene: the same hits, the same order, the same scores."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hyper_ir.data.runs import read_run
from hyper_ir.export.milvus_load import load
from hyper_ir.manifest import Manifest, read_manifest, write_manifest
from hyper_ir.search.__main__ import main as search
from hyper_ir.search.exact import ExactSearcher
from hyper_ir.search.milvus import MilvusSearcher
from tests.export.milvus_here import milvus_or_skip
from tests.java_here import java_or_skip
from tests.lucene.conftest import write_vectors

TOKENS = [f"t{number}" for number in range(20)] + ["a.b", 'q"uote', "back\\slash", "é"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``vectors``, ``milvus.db`` with them as ``docs``, and ``topics.tsv``; many documents tie."""
    milvus_or_skip()
    folder = tmp_path_factory.mktemp("milvus")
    generator = random.Random(9)
    vectors = {
        f"{generator.choice('dDé')}{number}#0": {
            token: generator.choice([1, 1, 2, 3]) for token in generator.sample(TOKENS, 5)
        }
        | {"all": 1}
        for number in range(300)
    }
    write_vectors(folder / "vectors" / "v.jsonl", vectors)
    manifest = Manifest("vectors", {"name": "m"}, "v", {"factor": 100}, counts={"documents": 300})
    write_manifest(folder / "vectors", manifest)
    load(folder / "vectors", str(folder / "milvus.db"), "docs", progress=False)
    lines = [
        f"{number}\t{' '.join(generator.choices(TOKENS, k=7))} all all\n" for number in range(25)
    ]
    (folder / "topics.tsv").write_text("".join([*lines, "77\tnothing\n", "78\tall\n"]))
    return folder


def run_of(folder: Path, output: Path, *flags: str) -> bytes:
    topics = ["--topics", str(folder / "topics.tsv"), "--output", str(output), "--tag", "x"]
    search(["--impact", *topics, "--quiet", *flags])
    return output.read_bytes()


@pytest.mark.jvm
@pytest.mark.parametrize("flags", [["--hits", "10"], ["--hits", "1000", "--min-idf", "-1"]])
def test_milvus_and_lucene_give_one_run(folder: Path, tmp_path: Path, flags: list[str]) -> None:
    from hyper_ir.lucene.impact_indexing import build_impact_index

    java_or_skip()
    if not (folder / "index").exists():
        build_impact_index(folder / "vectors", folder / "index", progress=False)
    lucene = run_of(folder, tmp_path / "lucene", "--index", str(folder / "index"), *flags)
    where = ["--engine", "milvus", "--uri", str(folder / "milvus.db"), "--index", "docs"]
    assert run_of(folder, tmp_path / "milvus", *where, *flags) == lucene
    assert lucene.count(b"\n") >= 250
    manifest = read_manifest(tmp_path / "milvus")
    assert manifest is not None
    assert (manifest.config["engine"], manifest.inputs["index"]) == ("milvus", "docs")


@pytest.mark.parametrize("hits", [1, 3, 70, 1_000])
def test_ties_are_settled_by_id(folder: Path, hits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Milvus returns any of those that tie with the last: it is asked until all are there."""
    monkeypatch.setattr("hyper_ir.search.milvus.MORE", 1)
    queries = [(token, {token: 1}) for token in TOKENS] + [("none", {}), ("two", {"t1": 1, "é": 2})]
    exact = ExactSearcher.from_files(folder / "vectors", progress=False)
    searcher = MilvusSearcher("docs", str(folder / "milvus.db"))
    try:
        assert searcher.search(queries, hits) == exact.search(queries, hits)
        assert searcher.documents == exact.documents
        assert [searcher.knows(token) for token in ("all", "é", "none")] == [True, True, False]
        with pytest.raises(ValueError, match="gives 16,384 at most, not 16,385"):
            searcher.search(queries, 16_385)
    finally:
        searcher.close()


def test_queries_of_another_vocabulary_are_refused(folder: Path, tmp_path: Path) -> None:
    topics = tmp_path / "t.tsv"
    topics.write_text("1\tt1 t1\n")
    write_manifest(topics, Manifest("topics", model={"name": "n"}, vocabulary="w"))
    where = ["--engine", "milvus", "--uri", str(folder / "milvus.db"), "--index", "docs"]
    output = ["--topics", str(topics), "--output", str(tmp_path / "r"), "--quiet"]
    with pytest.raises(ValueError, match="docs: made by m, whose vocabulary is not that of"):
        search(["--impact", *where, *output])
    write_manifest(topics, Manifest("topics", model={"name": "m"}, vocabulary="v"))
    search(["--impact", *where, *output])
    assert len(read_run(tmp_path / "r")["1"]) > 20
    with pytest.raises(ValueError, match=r"there is no other; python -m hyper_ir\.export"):
        search(["--impact", *where[:-1], "other", *output])
    with pytest.raises(ValueError, match="Milvus searches one collection"):
        search(["--impact", *where, "more", *output])
