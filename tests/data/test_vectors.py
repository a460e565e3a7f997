from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.data.vectors import EMPTY_DOCUMENT, EMPTY_QUERY, checked_vector, read_vectors
from hyper_ir.problems import Problems


def line(id: object = "1", vector: object = None, **more: object) -> str:
    return json.dumps({"id": id, "contents": "", "vector": vector or {"a": 1}, **more}) + "\n"


def test_a_folder_of_shards_by_name(tmp_path: Path) -> None:
    (tmp_path / "embeddings-00001.jsonl").write_text(line("2", {"b": 3}))
    (tmp_path / "embeddings-00000.jsonl.gz").write_bytes(
        gzip.compress(line(1, {"##ing": 100, "a\u00a0b": 2}).encode())
    )
    (tmp_path / "embeddings-00002.jsonl").write_text("")
    (tmp_path / "hyper_ir.manifest").write_text("{}")
    (tmp_path / ".x.partial.jsonl").write_text("half")
    assert list(read_vectors(tmp_path)) == [
        ("1", {"##ing": 100, "a\u00a0b": 2}, f"{tmp_path}/embeddings-00000.jsonl.gz:1"),
        ("2", {"b": 3}, f"{tmp_path}/embeddings-00001.jsonl:1"),
    ]


def test_the_placeholders_pass_and_never_match() -> None:
    assert EMPTY_DOCUMENT != EMPTY_QUERY
    for token in (EMPTY_DOCUMENT, EMPTY_QUERY):
        assert checked_vector({token: 1}) == {token: 1}


def test_the_longest_tokens_that_lucene_leaves_whole() -> None:
    longest = {"é" * 255: 1, "😀" * 127: 1}
    assert checked_vector(longest) == longest


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ({"a": 0}, "weight 0 of token 'a' is not an integer from 1"),
        ({"a": -3}, "weight -3 of"),
        ({"a": 0.99}, "weight 0.99 of"),
        ({"a": 2.0}, "weight 2.0 of"),
        ({"a": True}, "weight True of"),
        ({"a": "5"}, "weight '5' of"),
        ({"a": None}, "weight None of"),
        ({"a": float("nan")}, "weight nan of"),
        ({"a": float("inf")}, "weight inf of"),
        ({"a": [1]}, "weight \\[1\\] of"),
        ({"a": 2**31}, "weight 2147483648 of"),
        ({"": 1}, "token '' is empty or holds white space"),
        ({"a": 1, "b c": 1}, "token 'b c' is empty or holds white space"),
        ({"a b": 1, "": 1}, ".* is empty or holds white space"),
        ({"\u2003": 1}, ".* is empty or holds white space"),
        ({"a\0": 1}, "a token holds a NUL"),
        ({"\ud800": 1}, "a token holds an unpaired surrogate"),
        ({}, "vector is empty; a placeholder"),
        (None, "vector is missing"),
        ([1, 2], r"dense vectors \(lists\): an impact index needs sparse ones; .* or graft one"),
        ("a b", "vector is of type str; an object"),
        ({"ab": 1, "é" * 256: 1}, "token .* is longer than 255 UTF-16 code units"),
        ({"a" * 150: 1, "😀" * 128: 1}, "token .* is longer than 255 UTF-16 code units"),
    ],
)
def test_a_bad_vector_is_named_and_skipped(tmp_path: Path, vector: Any, message: str) -> None:
    path = tmp_path / "v.jsonl"
    bad = json.dumps({"id": "2", "vector": vector}) + "\n"
    path.write_text(line("1") + bad + line("3"))
    with pytest.raises(ValueError, match=f"v.jsonl:2: {message}"):
        list(read_vectors(path))
    problems = Problems("skip")
    assert [id for id, _, _ in read_vectors(path, problems)] == ["1", "3"]
    assert problems.count == 1


def test_duplicates_and_missing_ids_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(line("1") + line("2"))
    (tmp_path / "b.jsonl").write_text(line(2))
    with pytest.raises(ValueError, match=r"b.jsonl:1: id 2 stands at .*a.jsonl:2 already"):
        list(read_vectors(tmp_path))
    (tmp_path / "b.jsonl").write_text('{"docid": "3", "vector": {"a": 1}}\n')
    with pytest.raises(ValueError, match=r"b.jsonl:1: id is missing"):
        list(read_vectors(tmp_path))


def test_what_holds_no_vector_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no file named .jsonl, .json"):
        read_vectors(tmp_path)
    with pytest.raises(ValueError, match="does not exist"):
        read_vectors(tmp_path / "none")
    (tmp_path / "v.jsonl").write_text("\n")
    with pytest.raises(ValueError, match="no vector could be read"):
        list(read_vectors(tmp_path))
