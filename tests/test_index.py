from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.index import main
from hyper_ir.manifest import read_manifest
from tests.java_here import java_or_skip
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
