from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.export.__main__ import main
from tests.lucene.conftest import write_vectors


@pytest.fixture
def vectors(tmp_path: Path) -> str:
    return str(write_vectors(tmp_path / "v.jsonl", {"a": {"x": 600}, "b": {"y": 601}}))


def test_bulk_files_and_what_comes_next(
    vectors: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(tmp_path / "bulk")
    main([vectors, "--to", "opensearch", "--index", "docs", "--output", output, "--quiet"])
    printed = capsys.readouterr().out
    assert printed.startswith(f"2 documents in 1 file: {output}\n1 weight of 2 will be rounded")
    assert 'curl -X PUT "$URL/docs" -H' in printed
    assert "--data-binary" in printed
    with open(vectors, "a") as handle:
        handle.write("{}\n")
    flags = ["--to", "elasticsearch", "--index", "docs", "--output", output, "--overwrite"]
    main([vectors, *flags, "--on-bad-input", "skip", "--quiet"])
    assert "skipped 1 bad record" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--to", "milvus"], "--to milvus needs --uri"),
        (["--to", "milvus", "--uri", "m.db"], "--to milvus needs --collection"),
        (["--to", "opensearch", "--index", "i"], "--to opensearch needs --output"),
        (
            ["--to", "milvus", "--uri", "m.db", "--collection", "c", "--field", "vector"],
            "--field is not for --to milvus",
        ),
        (
            ["--to", "opensearch", "--output", "o", "--index", "i", "--uri", "m.db"],
            "--uri is not for --to opensearch",
        ),
    ],
)
def test_flags_that_do_not_fit(vectors: str, flags: list[str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        main([vectors, *flags])


def test_without_the_extra_it_is_named(vectors: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] in ("pymilvus", "milvus_lite"):
            raise ImportError(name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ValueError, match=r"pip install 'hyper_ir\[milvus\]'"):
        main([vectors, "--to", "milvus", "--uri", "m.db", "--collection", "c", "--quiet"])
