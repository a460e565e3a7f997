from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.index import main
from hyper_ir.manifest import read_manifest
from tests.java_here import java_or_skip
from tests.lucene import in_process
from tests.lucene.conftest import write_vectors


@pytest.mark.jvm
def test_vectors_with_bad_records_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    java_or_skip()
    vectors = write_vectors(tmp_path / "v" / "v.jsonl", {"a": {"x": 1}, "b": {"y": 2}})
    with open(vectors, "a") as handle:
        handle.write('{"id": "c", "vector": {"x": NaN}}\n{"id": "a", "vector": {"x": 1}}\n')
    flags = ["--impact", "--collection", "JsonVectorCollection", "--pretokenized"]
    flags += ["--input", str(vectors.parent), "--index", str(tmp_path / "i"), "--quiet"]
    with pytest.raises(ValueError, match=r"v\.jsonl:3"):
        main(flags)
    assert not (tmp_path / "i").exists()
    main([*flags, "--on-bad-input", "skip"])
    printed = capsys.readouterr()
    assert printed.out.startswith(f"2 documents: {tmp_path / 'i'}\nnext: python -m hyper_ir.search")
    assert "skipped 2 bad records" in printed.err
    manifest = read_manifest(tmp_path / "i")
    assert manifest is not None
    assert manifest.counts == {"documents": 2, "skipped": 2}


@pytest.mark.jvm
def test_shards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    java_or_skip()
    in_process.index_here(monkeypatch)
    vectors = {f"d{number}": {"x": number + 1} for number in range(20)}
    source = str(write_vectors(tmp_path / "v.jsonl", vectors))
    flags = ["--impact", "--input", source, "--index", str(tmp_path / "i"), "--quiet"]
    main([*flags, "--shards", "2"])
    assert capsys.readouterr().out.startswith(f"20 documents in 2 shards: {tmp_path / 'i'}\n")
    assert sorted(path.name for path in (tmp_path / "i").glob("s*")) == ["shard-00", "shard-01"]
    main([*flags, "--overwrite"])
    assert not list((tmp_path / "i").glob("s*-*"))
    (tmp_path / "c.jsonl").write_text('{"id": "1", "contents": "x"}\n{"id": "2", "contents": "y"}')
    main(["--input", str(tmp_path / "c.jsonl"), "--index", str(tmp_path / "b"), "--shards", "1"])
    assert (tmp_path / "b" / "shard-00").is_dir()
    with pytest.raises(SystemExit):
        main([*flags, "--shards", "0"])


def test_what_does_not_fit_is_refused_before_work(tmp_path: Path) -> None:
    common = ["--input", str(tmp_path / "none"), "--index", str(tmp_path / "i")]
    with pytest.raises(ValueError, match="JsonVectorCollection and --impact do not fit"):
        main([*common, "--collection", "JsonVectorCollection"])
    with pytest.raises(ValueError, match="none does not exist"):
        main(common)
    (tmp_path / "c.jsonl").write_text('{"id": "1", "contents": "x"}')
    texts = ["--input", str(tmp_path / "c.jsonl"), "--index", str(tmp_path / "i")]
    with pytest.raises(ValueError, match="for English"):
        main([*texts, "--language", "de", "--stemmer", "krovetz"])
    with pytest.raises(SystemExit):
        main([*common, "--collection", "TrecCollection"])
    assert not (tmp_path / "i").exists()
