from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hyper_ir.manifest import Manifest, check_fits, manifest_path, read_manifest, write_manifest

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
