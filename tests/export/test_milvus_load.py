from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.export import milvus_collection as milvus
from hyper_ir.export import milvus_load
from hyper_ir.export.milvus_load import load
from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.problems import Problems
from tests.export.milvus_here import milvus_or_skip
from tests.lucene.conftest import write_vectors

VECTORS = {
    f"d{number}\"'#\\é": {f"t{number % 9}": number + 1, 'to"ken': 2, "all": 1}
    for number in range(50)
}


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    milvus_or_skip()
    write_vectors(tmp_path / "vectors" / "v.jsonl", VECTORS)
    manifest = Manifest("vectors", {"name": "m"}, "v", {"factor": 100}, counts={"documents": 50})
    write_manifest(tmp_path / "vectors", manifest)
    return tmp_path / "vectors"


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return str(tmp_path / "milvus.db")


def contents(uri: str, name: str) -> dict[str, dict[str, float]]:
    """All documents with their vectors, tokens for numbers."""
    with milvus.connected(uri) as client:
        tokens = list(milvus.read_header(client, name).tokens)
        rows = client.query(name, filter="place >= 0", output_fields=["id", "vector"], limit=1_000)
        return {
            row["id"]: {tokens[int(number)]: weight for number, weight in row["vector"].items()}
            for row in rows
        }


def test_all_arrive_and_the_collection_knows_what_it_is(vectors: Path, uri: str) -> None:
    header = load(vectors, uri, "docs", progress=False)
    assert header.documents == 50
    assert header.tokens["all"] == header.tokens['to"ken'] == 50
    assert contents(uri, "docs") == VECTORS
    manifest = milvus.manifest_of("docs", uri)
    assert (manifest.vocabulary, manifest.config["impact"]) == ("v", True)
    with milvus.connected(uri) as client:
        assert client.list_collections() == ["docs"]
        assert milvus.read_header(client, "docs") == header


def test_an_interrupted_load_is_taken_up(
    vectors: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milvus_load, "BATCH", 10)
    whole = milvus_load._Loading._send
    sent: list[int] = []

    def breaking(self: Any, rows: Sequence[dict[str, Any]], again: bool) -> None:
        if len(sent) == 3:
            whole(self, rows[:4], again)  # half a batch
            raise KeyboardInterrupt
        sent.append(rows[0]["place"])
        whole(self, rows, again)

    monkeypatch.setattr(milvus_load._Loading, "_send", breaking)
    with pytest.raises(KeyboardInterrupt):
        load(vectors, uri, "docs", progress=False)
    with milvus.connected(uri) as client:
        assert client.list_collections() == ["docs_loading"]
        inserts: list[int] = []

        def counting(self: Any, rows: Sequence[dict[str, Any]], again: bool) -> None:
            insert = self.client.insert

            def noted(name: str, rows: Sequence[dict[str, Any]]) -> Any:
                inserts.append(len(rows))
                return insert(name, rows)

            with monkeypatch.context() as patch:
                patch.setattr(self.client, "insert", noted)
                whole(self, rows, again)

    monkeypatch.setattr(milvus_load._Loading, "_send", counting)
    load(vectors, uri, "docs", progress=False)
    assert inserts == [10]  # the last; the half one was sent again in place
    assert contents(uri, "docs") == VECTORS


def test_what_was_left_of_other_vectors_goes(
    vectors: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: Any, sample: Sequence[dict[str, Any]]) -> None:
        raise ValueError("lost")

    with monkeypatch.context() as patch:
        patch.setattr(milvus_load._Loading, "_check", failing)
        with pytest.raises(ValueError, match="lost"):
            load(vectors, uri, "docs", progress=False)
    fewer = dict(list(VECTORS.items())[:7])
    write_vectors(vectors / "v.jsonl", fewer)
    (vectors / "hyper_ir.manifest").unlink()
    load(vectors, uri, "docs", progress=False)
    assert contents(uri, "docs") == fewer


def test_overwriting(vectors: Path, uri: str) -> None:
    load(vectors, uri, "docs", progress=False)
    with pytest.raises(ValueError, match="docs exists already"):
        load(vectors, uri, "docs", progress=False)
    write_vectors(vectors / "v.jsonl", {"new": {"x": 1}})
    (vectors / "hyper_ir.manifest").unlink()
    load(vectors, uri, "docs", overwrite=True, progress=False)
    assert contents(uri, "docs") == {"new": {"x": 1}}
    with milvus.connected(uri) as client:
        milvus.create(client, "others")
    with pytest.raises(ValueError, match=r"others was not made by hyper_ir\.export"):
        load(vectors, uri, "others", overwrite=True, progress=False)


def test_a_milvus_that_does_something_else_is_found_out(
    vectors: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(vector: dict[str, float], numbers: dict[str, int]) -> dict[int, float]:
        return {numbers[token]: 1.0 for token in vector}

    sent = milvus_load._Loading._send

    def changed(self: Any, rows: Sequence[dict[str, Any]], again: bool) -> None:
        sent(self, [row | {"vector": dict.fromkeys(row["vector"], 1.0)} for row in rows], again)

    monkeypatch.setattr(milvus_load._Loading, "_send", changed)
    with pytest.raises(ValueError, match="does not compute inner products"):
        load(vectors, uri, "docs", progress=False)
    with pytest.raises(ValueError, match="there is no docs"):
        milvus.manifest_of("docs", uri)


def test_bad_records_are_told_before_anything_is_sent(vectors: Path, uri: str) -> None:
    with open(vectors / "v.jsonl", "a", encoding="utf-8") as handle:
        handle.write('{"id": "b", "vector": {"x": 0.5}}\n')
    with pytest.raises(ValueError, match=r"v\.jsonl:51: weight 0\.5"):
        load(vectors, uri, "docs", progress=False)
    problems = Problems("skip")
    assert load(vectors, uri, "docs", problems=problems, progress=False).documents == 50
    assert problems.count == 1


@pytest.mark.parametrize(
    ("uri", "name", "complaint"),
    [
        ("m.db", "2docs", "collection: '2docs' is no name for one"),
        ("m.db", "do-cs", "no name for one"),
        ("milvus", "docs", "uri: 'milvus' is neither a file ending in .db nor http"),
        ("", "docs", "uri: where is Milvus"),
    ],
)
def test_names_and_places_that_cannot_be(
    vectors: Path, uri: str, name: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        load(vectors, uri, name)


def test_long_tokens_go_into_several_notes() -> None:
    tokens = {f"{number:05d}" + "é" * 250: number + 1 for number in range(400)}
    rows = milvus.Header(9, tokens, "d", Manifest("index")).rows()
    assert len(rows) > 3
    assert all(len(row["note"].encode()) <= milvus.LONGEST_NOTE for row in rows)
    assert [row["place"] for row in rows] == list(range(-1, -1 - len(rows), -1))
