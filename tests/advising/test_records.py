from __future__ import annotations

import os
from pathlib import Path

import pytest

from hyper_ir.advising.records import Records, fingerprint, traits_of, traits_of_vectors
from hyper_ir.manifest import Manifest, write_manifest
from tests.lucene.conftest import write_vectors


def test_a_result_is_found_under_its_fingerprint_alone(tmp_path: Path) -> None:
    records = Records(tmp_path / "records")
    assert records.get("a", "mark") is None
    records.put("a", "mark", {"x": 1})
    assert records.get("a", "mark") == {"x": 1}
    assert records.get("a", "other") is None
    for damage in ("{", "[1]", '"text"', ""):
        (tmp_path / "records" / "a.json").write_text(damage)
        assert records.get("a", "mark") is None


def test_fingerprints_tell_parts_apart() -> None:
    assert fingerprint("a", 1) == fingerprint("a", 1)
    marks = [fingerprint("a", "b"), fingerprint("ab"), fingerprint("a", None), fingerprint({})]
    assert len(set(marks)) == 4


def test_traits_change_with_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    path = write_vectors(folder / "v.jsonl", {"a": {"x": 1}})
    before = traits_of_vectors(folder)
    assert before == traits_of_vectors(folder)
    about = path.stat()
    path.write_text(path.read_text().replace("1", "2"))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    changed = traits_of_vectors(folder)
    assert changed != before
    write_manifest(folder, Manifest("vectors"))
    assert traits_of_vectors(folder) != changed
    with pytest.raises(ValueError, match="holds no file"):
        traits_of_vectors(tmp_path)


def test_what_is_no_file_stands_for_itself(tmp_path: Path) -> None:
    assert traits_of(None) is None
    assert traits_of("ir_datasets:beir/nfcorpus/dev") == "ir_datasets:beir/nfcorpus/dev"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("x")
    assert traits_of(tmp_path) == [traits_of(tmp_path / "in" / "a")]
