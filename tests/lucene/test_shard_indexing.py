from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hyper_ir.data.records import Passage
from hyper_ir.lucene import impact_indexing
from hyper_ir.lucene.impact_writer import Vectors, write_impacts
from hyper_ir.lucene.indexing import is_index
from hyper_ir.lucene.java import Java
from hyper_ir.lucene.pyserini_api import load
from hyper_ir.lucene.shard_indexing import build_bm25_shards, build_impact_shards
from hyper_ir.lucene.shards import FREQUENCIES, is_sharded, shard_in, shard_of
from hyper_ir.manifest import Manifest, read_manifest, write_manifest
from hyper_ir.problems import Problems
from tests.lucene import in_process
from tests.lucene.conftest import write_vectors

VECTORS = {f"d{number}": {"all": 1, f"t{number % 5}": number + 1} for number in range(30)}
LOADED = Manifest(
    "vectors",
    model={"name": "m", "sha256": "1"},
    vocabulary="v",
    quantiser={"factor": 100},
    counts={"documents": 30},
)


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    folder = tmp_path / "vectors"
    write_vectors(folder / "v.jsonl", VECTORS)
    write_manifest(folder, LOADED)
    return folder


def documents(index: Path) -> int:
    return int(load().LuceneIndexReader(str(index)).stats()["documents"])


@pytest.mark.jvm
def test_shards_hold_their_documents_and_say_what_they_are(
    java_here: Java, vectors: Path, tmp_path: Path
) -> None:
    """By Java's own processes, as users have it."""
    index = tmp_path / "index"
    manifest = build_impact_shards(vectors, index, 2, progress=False)
    assert manifest.counts == {"documents": 30, "skipped": 0}
    assert manifest.config["shards"] == ["shard-00", "shard-01"]
    assert manifest.vocabulary == "v"
    assert read_manifest(index) == manifest
    assert is_sharded(index)
    for number in range(2):
        folder = index / f"shard-0{number}"
        own = read_manifest(folder)
        shard = shard_in(own)
        assert own is not None
        assert shard is not None
        assert (shard.number, shard.of, shard.collection) == (
            number,
            2,
            manifest.config["collection"],
        )
        expected = sum(shard_of(id, 2) == number for id in VECTORS)
        assert own.counts == {"documents": expected}
        assert documents(folder) == expected
        assert (folder / FREQUENCIES).is_file()
        assert "vectors" not in own.inputs
    assert {path.name for path in tmp_path.iterdir()} == {"vectors", "index"}


@pytest.mark.jvm
def test_texts(java_here: Java, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_process.index_here(monkeypatch)
    texts = [Passage(f"p{number}", {"text": f"word{number}"}) for number in range(20)]
    manifest = build_bm25_shards(texts, tmp_path / "index", 3, threads=2, progress=False)
    folders = [tmp_path / "index" / name for name in manifest.config["shards"]]
    assert sum(documents(folder) for folder in folders) == 20
    assert manifest.config["analysis"]["stemmer"] == "porter"
    assert not any((folder / FREQUENCIES).exists() for folder in folders)


@pytest.mark.jvm
def test_an_interrupted_call_is_taken_up(
    java_here: Java,
    vectors: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made: list[str] = []

    def breaking(vectors: Vectors, folder: Path, optimize: bool, what: str) -> int:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(folder.name)
        return write_impacts(vectors, folder, optimize, what)

    monkeypatch.setattr(impact_indexing, "write_impacts", breaking)
    index = tmp_path / "index"
    with pytest.raises(KeyboardInterrupt):
        build_impact_shards(vectors, index, 3, progress=False)
    left = tmp_path / ".index.shards.partial"
    assert not index.exists()
    assert {path.name for path in left.iterdir()} == {"shard-00", "shard-01"}
    assert is_index(left / "shard-00")
    made.clear()
    build_impact_shards(vectors, index, 3, progress=False)
    assert len(made) == 1
    assert "shard-02" in made[0]
    assert "2 shards are finished already, of 3" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"vectors", "index"}
    assert [path.name for path in sorted(index.iterdir())][1:] == [
        "shard-00",
        "shard-01",
        "shard-02",
    ]


@pytest.mark.jvm
def test_what_was_left_of_other_vectors_or_settings_is_not_taken_up(
    java_here: Java, vectors: Path, tmp_path: Path
) -> None:
    build_impact_shards(vectors, tmp_path / "whole", 3, progress=False)
    left = tmp_path / ".index.shards.partial"
    shutil.copytree(tmp_path / "whole", left)
    (left / "hyper_ir.manifest").unlink()
    (left / "shard-02" / "hyper_ir.manifest").unlink()
    (left / "shard-07").mkdir()
    with open(vectors / "v.jsonl", "a") as handle:
        handle.write('{"id": "new", "vector": {"all": 1}}\n')
    (vectors / "hyper_ir.manifest").unlink()
    manifest = build_impact_shards(vectors, tmp_path / "index", 3, progress=False)
    folders = [tmp_path / "index" / name for name in manifest.config["shards"]]
    assert sum(documents(folder) for folder in folders) == 31
    assert not left.exists()


@pytest.mark.jvm
def test_overwriting_and_bad_records(java_here: Java, vectors: Path, tmp_path: Path) -> None:
    with open(vectors / "v.jsonl", "a") as handle:
        handle.write('{"id": "bad", "vector": {"all": 0.5}}\n')
    index = tmp_path / "index"
    with pytest.raises(ValueError, match=r"v\.jsonl:31: weight 0\.5"):
        build_impact_shards(vectors, index, 2, progress=False)
    assert {path.name for path in tmp_path.iterdir()} == {"vectors"}
    problems = Problems("skip")
    manifest = build_impact_shards(vectors, index, 2, problems=problems, progress=False)
    assert manifest.counts == {"documents": 30, "skipped": 1}
    with pytest.raises(ValueError, match="exists already"):
        build_impact_shards(vectors, index, 2, progress=False)
    problems = Problems("skip")
    build_impact_shards(vectors, index, 3, overwrite=True, problems=problems, progress=False)
    assert len(list(index.glob("shard-*"))) == 3


@pytest.mark.jvm
def test_lost_vectors_are_told(java_here: Java, vectors: Path, tmp_path: Path) -> None:
    write_vectors(vectors / "v.jsonl", dict(list(VECTORS.items())[:-1]))
    with pytest.raises(ValueError, match="holds 29 documents, but its manifest says 30"):
        build_impact_shards(vectors, tmp_path / "index", 2, progress=False)
    assert {path.name for path in tmp_path.iterdir()} == {"vectors"}


def test_numbers_of_shards_that_make_no_sense(
    java_here: Java, vectors: Path, tmp_path: Path
) -> None:
    for shards in (0, -1, 1_001):
        with pytest.raises(ValueError, match="shards: from 1 to 1,000"):
            build_impact_shards(vectors, tmp_path / "index", shards)
    with pytest.raises(ValueError, match=r"leave shard .* empty; make fewer"):
        build_impact_shards(vectors, tmp_path / "index", 500, progress=False)
    assert {path.name for path in tmp_path.iterdir()} == {"vectors"}
