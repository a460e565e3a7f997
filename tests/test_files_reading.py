from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.files import read_jsonl, read_lines
from hyper_ir.problems import Problems


def test_the_line_whose_bytes_are_bad_is_named_and_can_be_skipped(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes(b"a\nb\nc\xff\nd\n")
    with pytest.raises(ValueError, match=r"f.txt:3: not UTF-8 text"):
        list(read_lines(path))
    problems = Problems("skip")
    assert list(read_lines(path, problems)) == [(1, "a"), (2, "b"), (4, "d")]
    assert problems.count == 1


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_byte_order_mark_and_windows_line_ends_go(tmp_path: Path, pack: type[bytes]) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes(pack(b"\xef\xbb\xbfid\r\nx\xe2\x80\xa8y\n\nlast"))
    assert list(read_lines(path)) == [(1, "id"), (2, "x\u2028y"), (3, ""), (4, "last")]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"))))
def test_lines_are_what_stands_between_line_feeds(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = tmp_path_factory.mktemp("lines") / "f.txt"
    path.write_bytes("".join(line + "\n" for line in lines).encode())
    found = list(read_lines(path))
    assert [number for number, _ in found] == list(range(1, len(lines) + 1))
    expected = [line.removeprefix("\ufeff") if n == 0 else line for n, line in enumerate(lines)]
    assert [line for _, line in found] == expected


@pytest.mark.parametrize("at", [2, 5, 15, 40])
def test_a_truncated_gzip_file_is_named(tmp_path: Path, at: int) -> None:
    path = tmp_path / "f.gz"
    path.write_bytes(gzip.compress(b"".join(b"%d\n" % n for n in range(50)))[:at])
    with pytest.raises(ValueError, match=r"f.gz:\d+: damaged gzip file"):
        list(read_lines(path))


def test_json_reads_the_same_whatever_library_is_installed(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text('{"a": 18446744073709551617}\n{"a": 1}{}\n{"a": 2}\n')
    problems = Problems("skip")
    assert [value for _, value in read_jsonl(path, problems)] == [{"a": 2**64 + 1}, {"a": 2}]
    assert problems.count == 1
