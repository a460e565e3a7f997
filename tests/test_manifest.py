from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.manifest import (
    Manifest,
    check_fits,
    manifest_path,
    model_name,
    read_manifest,
    short_name,
    write_manifest,
)

MANIFEST = Manifest(
    kind="vectors",
    model={"name": "splade", "sha256": "ab"},
    vocabulary="cd",
    quantiser={"factor": 100.0, "top_k": None},
    counts={"documents": 3},
)


def test_manifests_come_back_as_written(tmp_path: Path) -> None:
    file = tmp_path / "topics.tsv"
    file.write_text("x")
    for artefact in (tmp_path, file):
        write_manifest(artefact, MANIFEST)
        assert read_manifest(artefact) == MANIFEST
    assert read_manifest(tmp_path / "nothing") is None


def test_anserini_would_not_take_a_manifest_for_documents(tmp_path: Path) -> None:
    # JsonVectorCollection reads every file with one of these endings.
    for artefact in (tmp_path, tmp_path / "topics.tsv"):
        assert not manifest_path(artefact).name.endswith((".json", ".jsonl", ".gz", ".zst"))


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"format": 1}', '{"format": 2, "kind": "run"}']
)
def test_broken_manifests_are_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "hyper_ir.manifest").write_text(content)
    with pytest.raises(ValueError, match=r"hyper_ir\.manifest: broken manifest"):
        read_manifest(tmp_path)


def test_unknown_keys_are_errors(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, MANIFEST)
    path.write_text(json.dumps({**json.loads(path.read_text()), "vocabluary": "x"}))
    with pytest.raises(ValueError, match="vocabluary"):
        read_manifest(tmp_path)


def test_vectors_of_two_vocabularies_are_refused() -> None:
    check_fits(MANIFEST, MANIFEST, "indexes/a")
    check_fits(None, MANIFEST, "indexes/a")
    check_fits(replace(MANIFEST, vocabulary=""), MANIFEST, "indexes/a")
    other = replace(MANIFEST, vocabulary="ef", model={"name": "roberta"})
    with pytest.raises(ValueError, match=r"indexes/a: made by splade, .* roberta"):
        check_fits(MANIFEST, other, "indexes/a")
    with pytest.raises(ValueError, match=r"query encoder models/mine; encode"):
        check_fits(MANIFEST, other, "indexes/a", "models/mine")


def test_a_name_tells_no_place() -> None:
    assert model_name(Manifest("vectors", model={"name": "/home/me/model+graft"})) == "model+graft"
    assert short_name("naver/splade-v3") == "naver/splade-v3"
    assert model_name(Manifest("vectors")) == "an unnamed model"


DEEP = "[" * 900 + "]" * 900


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("counts", "[]", "counts is not an object"),
        ("counts", '{"documents": "3"}', "counts: documents is not a number"),
        ("model", '"splade"', "model is not an object"),
        ("inputs", "null", "inputs is not an object"),
        ("kind", "7", "kind is not text"),
        ("vocabulary", "{}", "vocabulary is not text"),
        ("format", DEEP, "broken manifest"),
        ("format", '"' + "x" * 100_000 + '"', "format 'xxx"),
        ("x" * 100_000, "1", "unexpected keyword"),
    ],
)
def test_parts_of_another_type_are_named_in_a_short_message(
    tmp_path: Path, name: str, value: str, complaint: str
) -> None:
    path = write_manifest(tmp_path, MANIFEST)
    whole = {**json.loads(path.read_text()), name: "HERE"}
    path.write_text(json.dumps(whole).replace('"HERE"', value))
    with pytest.raises(ValueError, match=complaint) as caught:
        read_manifest(tmp_path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1000
