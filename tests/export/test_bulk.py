from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyper_ir.export.bulk import CREATE, write_bulk
from hyper_ir.export.bulk_forms import Form
from hyper_ir.export.field_names import token_of
from hyper_ir.manifest import Manifest, read_manifest, write_manifest
from hyper_ir.problems import Problems
from tests.lucene.conftest import write_vectors

FORM = Form("opensearch", "docs")
VECTORS = {f"d'{number}\"é": {"a.b": number + 500, "x%": 1} for number in range(40)}


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    write_vectors(tmp_path / "vectors" / "v.jsonl", VECTORS)
    manifest = Manifest("vectors", {"name": "m"}, "v", {"factor": 100}, counts={"documents": 40})
    write_manifest(tmp_path / "vectors", manifest)
    return tmp_path / "vectors"


def read_back(folder: Path) -> dict[str, dict[str, int]]:
    """As the engine reads them: an action and a document, line by line."""
    found = {}
    for path in sorted(folder.glob("*.ndjson")):
        text = path.read_text(encoding="utf-8")
        assert text.endswith("\n")
        lines = [json.loads(line) for line in text.split("\n")[:-1]]
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            vector = document["vector"]
            found[action["index"]["_id"]] = {token_of(name): vector[name] for name in vector}
    return found


def test_files_hold_all_vectors_and_none_is_too_large(vectors: Path, tmp_path: Path) -> None:
    output = tmp_path / "bulk"
    manifest = write_bulk(vectors, output, FORM, megabytes=0.0005, progress=False)
    assert read_back(output) == VECTORS
    files = sorted(output.glob("*.ndjson"))
    assert len(files) == manifest.counts["files"] > 3
    assert all(path.stat().st_size <= 0.0005 * 2**20 for path in files)
    assert json.loads((output / CREATE).read_text()) == FORM.create()
    # 513, 515 … 539 need ten bits.
    assert manifest.counts["rounded"] == 14
    assert (manifest.counts["documents"], manifest.counts["weights"]) == (40, 80)
    assert (manifest.vocabulary, manifest.config["bulk"]["type"]) == ("v", "rank_features")
    assert read_manifest(output) == manifest


def test_a_document_larger_than_a_file(vectors: Path, tmp_path: Path) -> None:
    manifest = write_bulk(vectors, tmp_path / "bulk", FORM, megabytes=1e-6, progress=False)
    assert manifest.counts["files"] == 40
    assert read_back(tmp_path / "bulk") == VECTORS


def test_bad_records_leave_nothing_or_are_left_out(vectors: Path, tmp_path: Path) -> None:
    long = "é" * 257
    with open(vectors / "v.jsonl", "a", encoding="utf-8") as handle:
        handle.write(f'{{"id": "{long}", "vector": {{"x": 1}}}}\n{{"id": "b", "vector": {{}}}}\n')
    with pytest.raises(ValueError, match=r"v\.jsonl:41: id is longer than 512 bytes"):
        write_bulk(vectors, tmp_path / "bulk", FORM, progress=False)
    assert {path.name for path in tmp_path.iterdir()} == {"vectors"}
    problems = Problems("skip")
    write_bulk(vectors, tmp_path / "bulk", FORM, problems=problems, progress=False)
    assert problems.count == 2
    assert read_back(tmp_path / "bulk") == VECTORS


def test_what_is_replaced_and_what_not(vectors: Path, tmp_path: Path) -> None:
    output = tmp_path / "bulk"
    write_bulk(vectors, output, FORM, progress=False)
    with pytest.raises(ValueError, match="bulk exists already"):
        write_bulk(vectors, output, FORM, progress=False)
    other = Form("elasticsearch", "docs")
    write_bulk(vectors, output, other, overwrite=True, progress=False)
    assert json.loads((output / CREATE).read_text()) == other.create()
    (output / "bulk-00000.ndjson").unlink()
    with pytest.raises(ValueError, match=r"is not a folder of bulk files .* left alone"):
        write_bulk(vectors, output, FORM, overwrite=True, progress=False)


def test_what_cannot_be_exported(vectors: Path, tmp_path: Path) -> None:
    output = tmp_path / "bulk"
    with pytest.raises(ValueError, match=r"none does not exist; python -m hyper_ir\.encode"):
        write_bulk(tmp_path / "none", output, FORM)
    with pytest.raises(ValueError, match="more than 0 are needed, not 0"):
        write_bulk(vectors, output, FORM, megabytes=0)
    write_bulk(vectors, output, FORM, progress=False)
    with pytest.raises(ValueError, match="holds bulk files, which are exported already"):
        write_bulk(output, tmp_path / "again", FORM)
    write_manifest(vectors, Manifest("vectors", model={"name": "dense"}))
    with pytest.raises(ValueError, match="dense vectors"):
        write_bulk(vectors, tmp_path / "other", FORM)
    (vectors / ".v2.jsonl.progress").touch()
    with pytest.raises(ValueError, match=r"encoding of v2\.jsonl is not finished"):
        write_bulk(vectors, tmp_path / "other", FORM)
    write_manifest(vectors, Manifest("index"))
    with pytest.raises(ValueError, match="of kind 'index', not vectors"):
        write_bulk(vectors, tmp_path / "other", FORM)
    assert not (tmp_path / "other").exists()
