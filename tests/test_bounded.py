"""Lines and files of any size, in memory of a stated size."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
from pathlib import Path

import pytest

from hyper_ir import bounded, files
from hyper_ir.bounded import LONGEST_LINE, bounded_lines, read_blocks, read_whole
from hyper_ir.files import read_jsonl, read_lines
from hyper_ir.problems import Problems


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> int:
    """Lines of 10 bytes are the longest."""
    monkeypatch.setattr(bounded, "LONGEST_LINE", 10)
    monkeypatch.setattr(files, "LONGEST_LINE", 10)
    return 10


@pytest.mark.parametrize(
    ("content", "lengths"),
    [
        (b"", []),
        (b"123456789\n", [10]),
        (b"1234567890", [10]),
        (b"1234567890\nab\n", [11, 3]),
        (b"x" * 25 + b"\nab", [11, 2]),
        (b"x" * 22 + b"\n\nab", [11, 1, 2]),
        (b"x" * 1000, [11]),
    ],
)
def test_the_rest_of_a_long_line_is_passed_over(
    short: int, content: bytes, lengths: list[int]
) -> None:
    assert [len(line) for line in bounded_lines(io.BytesIO(content))] == lengths


@pytest.mark.parametrize("packed", [False, True])
def test_a_long_line_is_a_bad_record(tmp_path: Path, short: int, packed: bool) -> None:
    path = tmp_path / "f.jsonl"
    content = b'{"a": 1}\n' + b"x" * 1000 + b'\n{"b": 2}\n'
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    with pytest.raises(ValueError, match=r"f\.jsonl:2: the line has over 10 bytes"):
        list(read_lines(path))
    problems = Problems("skip")
    assert [record for _, record in read_jsonl(path, problems)] == [{"a": 1}, {"b": 2}]
    assert problems.examples == [f"{path}:2: the line has over 10 bytes"]


def test_blocks_are_the_text(tmp_path: Path) -> None:
    text = "é😀\n\u2028" * 1000
    path = tmp_path / "f"
    for content in (text.encode("utf-8-sig"), gzip.compress(text.encode())):
        path.write_bytes(content)
        assert "".join(read_blocks(path, 7)) == text
        assert read_whole(path) == text


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a\nb\n\xff", r"f:3: not UTF-8"),
        (b"a\n\xe2\x80", r"f:2: not UTF-8"),
        (gzip.compress(b"a" * 100, mtime=0)[:-9], r"f:1: damaged gzip file"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(ValueError, match=complaint):
        read_whole(tmp_path / "f")


def test_a_whole_file_is_small(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("12345")
    assert read_whole(tmp_path / "f", 5) == "12345"
    with pytest.raises(ValueError, match="f: over 4 characters"):
        read_whole(tmp_path / "f", 4)


LIMITED = """
import resource, sys
from pathlib import Path
import hyper_ir.data.topics, hyper_ir.data.qrels, hyper_ir.data.corpus, hyper_ir.data.runs
import hyper_ir.data.vectors, hyper_ir.manifest
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 400 * 2**20,) * 2)
path = sys.argv[1]
for read in (
    hyper_ir.data.topics.read_topics,
    hyper_ir.data.qrels.read_qrels,
    hyper_ir.data.runs.read_run,
    lambda path: list(hyper_ir.data.corpus.open_corpus(path)),
    lambda path: list(hyper_ir.data.vectors.read_vectors(path)),
    lambda path: hyper_ir.manifest.read_manifest(Path(path).parent),
):
    try:
        read(path)
    except ValueError as error:
        print(str(error)[:400])
    else:
        print("read")
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("kind", ["hole", "bomb"])
def test_a_line_of_gigabytes_is_refused_in_little_memory(tmp_path: Path, kind: str) -> None:
    """A sparse file of 4 GiB, and half a megabyte of gzip that unpacks to half a gigabyte."""
    path = tmp_path / "file.json"
    if kind == "hole":
        with open(path, "wb") as handle:
            handle.write(b'{"')
            handle.truncate(1 << 32)
    else:
        with gzip.open(path, "wb", compresslevel=1) as handle:
            for _ in range(16):
                handle.write(b'{"' + b" " * LONGEST_LINE)
    (tmp_path / "hyper_ir.manifest").symlink_to(path)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == 6
    for line in said[:5]:
        assert "file.json:1: the line has over 33,554,432 bytes" in line
    assert "over 33,554,432 characters" in said[5]
