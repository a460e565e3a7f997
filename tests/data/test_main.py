from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hyper_ir.data import __main__ as verb
from hyper_ir.data.corpus import open_corpus


def command(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hyper_ir.data", *args], capture_output=True, text=True, check=False
    )


def test_passages_by_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.tsv").write_text("1\ta|b\n2\tc|d\n")
    source, out = str(tmp_path / "c.tsv"), str(tmp_path / "out")
    verb.main(["passages", "--corpus", source, "--output", out, "--shard-size", "1"])
    printed = capsys.readouterr().out
    assert "passages             2" in printed
    assert f"written to {out}" in printed
    assert "next: python -m hyper_ir.index" in printed
    assert [each.id for each in open_corpus(out)] == ["1", "2"]


def test_the_delimiter_is_read_with_its_escapes(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"id": "1", "contents": "a\\nb"}\n')
    args = ["passages", "--corpus", str(tmp_path / "c.jsonl"), "--fields", "x", "y"]
    verb.main([*args, "--output", str(tmp_path / "out"), "--layout", "fields"])
    assert [each.fields for each in open_corpus(str(tmp_path / "out"), fields=["x", "y"])] == [
        {"x": "a", "y": "b"}
    ]


def test_bad_input_ends_with_one_line_and_status_2(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("1\tx\n1\ty\n")
    source, out = str(tmp_path / "t.tsv"), str(tmp_path / "out.tsv")
    done = command("topics", "--topics", source, "--output", out)
    assert done.returncode == 2
    assert done.stderr == (
        f"error: {source}:2: topic 1 stands at {source}:1 already; "
        "--on-bad-input skip counts and lists such records\n"
    )
    assert not Path(out).exists()
    done = command("topics", "--topics", source, "--output", out, "--on-bad-input", "skip")
    assert done.returncode == 0
    assert "skipped 1 bad record:" in done.stdout
    assert Path(out).read_text() == "1\tx\n"


def test_qrels_and_beir_by_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "d", "title": "t", "text": "x"}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "x"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
    verb.main(["qrels", "--qrels", str(folder), "--output", str(tmp_path / "q.txt")])
    assert (tmp_path / "q.txt").read_text() == "q 0 d 1\n"
    verb.main(["beir", "--folder", str(folder), "--output", str(tmp_path / "out")])
    assert "test: judgments" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "corpus",
        "qrels.test.txt",
        "topics.test.tsv",
        "topics.test.tsv.manifest",
    ]


def test_importing_the_package_needs_neither_torch_nor_a_jvm() -> None:
    code = (
        "import sys, hyper_ir.data.__main__; "
        "print([name for name in ('torch', 'jnius', 'pyserini') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
