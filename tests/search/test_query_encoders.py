from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.problems import Problems
from hyper_ir.search.query_encoders import CachedEncoder, ModelSettings, open_encoder
from tests.tiny_models import TEXTS, save_checkpoint


def test_cached_vectors_by_text(tmp_path: Path) -> None:
    path = tmp_path / "queries.jsonl"
    path.write_text('{"contents": " one query ", "vector": {"x": 3}}\n')
    write_manifest(path, Manifest("topics", vocabulary="v"))
    encoder = open_encoder(str(path), ModelSettings())
    assert encoder.encode(["one query\n"]) == [{"x": 3}]
    assert encoder.manifest is not None
    assert encoder.manifest.vocabulary == "v"
    with pytest.raises(ValueError, match="1 of 2 texts have no vector there; the first is 'other'"):
        encoder.encode(["one query", "other"])


@pytest.mark.parametrize(
    "line", ['{"vector": {"x": 1}}', '{"contents": "a", "vector": {"x": 0.5}}']
)
def test_bad_cached_vectors_are_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "q.jsonl").write_text(line)
    with pytest.raises(ValueError, match=r"q\.jsonl:1: (no contents|weight 0\.5)"):
        CachedEncoder(tmp_path / "q.jsonl")


def test_bad_cached_vectors_are_left_out_where_asked(tmp_path: Path) -> None:
    lines = ["{broken", '{"contents": "a", "vector": {"x": 0.5}}', '{"vector": {"x": 1}}']
    good = '{"contents": "b", "vector": {"x": 1}}'
    (tmp_path / "q.jsonl").write_text("\n".join([*lines, good]))
    problems = Problems("skip")
    encoder = open_encoder(str(tmp_path / "q.jsonl"), ModelSettings(), problems)
    assert encoder.encode(["b"]) == [{"x": 1}]
    assert problems.count == 3
    with pytest.raises(ValueError, match="1 of 1 text has no vector there"):
        encoder.encode(["a"])


def test_a_model_encodes_and_tells_its_vocabulary(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "model")
    encoder = open_encoder(str(folder), ModelSettings(device="cpu", top_k=3))
    vectors = encoder.encode(TEXTS)
    assert len(vectors) == len(TEXTS)
    assert all(1 <= len(vector) <= 3 for vector in vectors)
    assert all(type(weight) is int for vector in vectors for weight in vector.values())
    assert encoder.manifest is not None
    assert encoder.manifest.vocabulary


def test_what_is_no_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises((ValueError, OSError)):
        open_encoder(str(tmp_path), ModelSettings())
