from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from hyper_ir.data.records import Passage
from hyper_ir.lucene.staging import stage_passages, stage_vectors
from hyper_ir.manifest import Manifest
from hyper_ir.problems import Problems
from tests.lucene.conftest import write_vectors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "stage"
    path.mkdir()
    return path


def read_back(folder: Path) -> list[dict[str, object]]:
    records = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        text = gzip.decompress(data) if path.suffix == ".gz" else data
        records += [json.loads(line) for line in text.decode().splitlines()]
    return records


def test_only_vector_files_are_staged_under_names_that_anserini_understands(
    tmp_path: Path, folder: Path
) -> None:
    source = tmp_path / "vectors"
    write_vectors(source / "b.jsonl", {"b": {"x": 1}})
    # Anserini would read all of these too.
    write_vectors(source / ".hidden.jsonl", {"hidden": {"x": 1}})
    write_vectors(source / "sub" / "s.jsonl", {"sub": {"x": 1}})
    (source / "notes.txt.gz").write_bytes(gzip.compress(b"no json"))
    # Packed, though its name does not say so.
    packed = gzip.compress((source / "b.jsonl").read_bytes().replace(b'"b"', b'"a"'))
    (source / "a.jsonl").write_bytes(packed)
    assert stage_vectors(source, folder, None, Problems(), progress=False) == 2
    assert [path.name for path in sorted(folder.iterdir())] == [
        "vectors-00000.jsonl.gz",
        "vectors-00001.jsonl",
    ]
    assert [record["id"] for record in read_back(folder)] == ["a", "b"]


def test_a_manifest_is_believed_without_reading(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "v.jsonl"
    source.write_text("never read\n")
    sparse = Manifest("vectors", quantiser={"factor": 100}, counts={"documents": 41})
    assert stage_vectors(source, folder, sparse, Problems(), progress=False) == 41


def test_dense_vectors_are_refused_whatever_their_manifest_counts(
    tmp_path: Path, folder: Path
) -> None:
    source = tmp_path / "v.jsonl"
    source.write_text('{"id": "a", "vector": [0.5, 0.25]}\n')
    dense = Manifest("vectors", counts={"documents": 1})
    with pytest.raises(ValueError, match=r"v\.jsonl:1: dense vectors"):
        stage_vectors(source, folder, dense, Problems(), progress=False)
    made = Manifest("vectors", model={"name": "m", "sha256": "f"}, counts={"documents": 1})
    with pytest.raises(
        ValueError, match=r"vectors: .*v\.jsonl holds dense vectors \(lists\): an imp"
    ):
        stage_vectors(source, folder, made, Problems("skip"), progress=False)


def test_an_unfinished_encoding_and_a_missing_shard_are_refused(
    tmp_path: Path, folder: Path
) -> None:
    source = tmp_path / "vectors"
    write_vectors(source / "embeddings-00000-of-00003.jsonl", {"a": {"x": 1}})
    write_vectors(source / "embeddings-00002-of-00003.jsonl", {"c": {"x": 1}})
    with pytest.raises(ValueError, match="lacks shard 1 of 3"):
        stage_vectors(source, folder, None, Problems(), progress=False)
    (source / ".embeddings-00001-of-00003.jsonl.progress").touch()
    with pytest.raises(ValueError, match=r"encoding of embeddings-00001-of-00003\.jsonl is not fi"):
        stage_vectors(source, folder, None, Problems(), progress=False)


def test_bad_vectors_stop_or_are_left_out(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "v.jsonl"
    lines = [
        '{"id": "a", "vector": {"x": 1}}',
        '{"id": "b", "vector": {"x": 0.9}}',
        '{"id": "c", "vector": {"%s": 1}}' % ("é" * 256),
        '{"id": "d", "vector": {"%s": 1}}' % ("é" * 255),
        '{"id": "e", "vector": {"x": 90000000}}',
    ]
    source.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"v\.jsonl:2: weight 0\.9"):
        stage_vectors(source, folder, None, Problems(), progress=False)
    problems = Problems("skip")
    assert stage_vectors(source, folder, None, problems, progress=False) == 2
    assert problems.count == 3
    assert "longer than 255 UTF-16 code units" in problems.summary()
    assert "weights are too large" in problems.summary()
    assert [record["id"] for record in read_back(folder)] == ["a", "d"]


def test_passages_are_dealt_out_to_the_threads_files(folder: Path) -> None:
    passages = [Passage(f"p{i}", {"title": "T", "text": f'"{i}"\n\u2028'}) for i in range(5)]
    assert stage_passages(iter(passages), folder, 2, None, progress=False) == 5
    assert len(list(folder.iterdir())) == 2
    records = {str(record["id"]): record["contents"] for record in read_back_lf(folder)}
    assert records == {passage.id: passage.contents for passage in passages}


def read_back_lf(folder: Path) -> list[dict[str, object]]:
    """Lines end at line feeds alone, for Jackson as for hyper_ir."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())]
    return [json.loads(line) for text in texts for line in text.split("\n") if line]


def test_no_passage_is_an_error(folder: Path) -> None:
    with pytest.raises(ValueError, match="no passage"):
        stage_passages([], folder, 1, None, progress=False)
