from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from hyper_ir import bounded
from hyper_ir.data import json_arrays
from hyper_ir.data.corpus import Corpus, open_corpus
from hyper_ir.problems import Problems


def array_of(path: Path, *elements: Any, **settings: Any) -> Corpus:
    text = json.dumps(elements, indent=2, ensure_ascii=False)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else b"\xef\xbb\xbf\n " + data)
    return open_corpus(str(path), **settings)


@pytest.mark.parametrize("name", ["c.json", "c.json.gz"])
def test_an_array_of_objects_is_a_corpus(tmp_path: Path, name: str) -> None:
    elements = [{"id": "1", "contents": "a\u2028b"}, {"id": 2, "contents": "[c]"}]
    corpus = array_of(tmp_path / name, *elements)
    assert corpus.format == "pyserini"
    found = [(passage.id, passage.contents, passage.where) for passage in corpus]
    assert found == [
        ("1", "a\u2028b", f"{tmp_path / name}: element 1"),
        ("2", "[c]", f"{tmp_path / name}: element 2"),
    ]
    assert len(list(corpus)) == 2


def test_arrays_of_other_formats_and_beside_lines(tmp_path: Path) -> None:
    beir = array_of(tmp_path / "b.json", {"_id": "1", "title": "t", "text": "x"})
    assert (beir.format, [passage.fields for passage in beir]) == (
        "beir",
        [{"title": "t", "text": "x"}],
    )
    page = {"wikipedia_id": "7", "wikipedia_title": "T", "text": ["T", "some words"]}
    assert [passage.id for passage in array_of(tmp_path / "k.json", page)] == ["7#0"]
    folder = tmp_path / "folder"
    folder.mkdir()
    array_of(folder / "a.json", {"id": "1", "contents": "x"})
    (folder / "b.jsonl").write_text('{"id": "2", "contents": "x"}\n')
    assert [passage.id for passage in open_corpus(str(folder))] == ["1", "2"]


def test_bad_elements_are_named_by_number_or_skipped(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    elements = [
        {"id": "1", "contents": "x"},
        "no object",
        {"id": "2"},
        {"id": "1", "contents": "again"},
    ]
    problems = Problems("skip")
    assert [each.id for each in array_of(path, *elements, problems=problems)] == ["1"]
    assert problems.examples == [
        f"{path}: element 2: not a JSON object: str",
        f"{path}: element 3: the record has neither contents nor text; it has 'id': name its "
        "fields",
        f"{path}: element 4: id 1 stands at {path}: element 1 already",
    ]
    with pytest.raises(ValueError, match=r"c\.json: element 2: not a JSON object"):
        list(array_of(path, *elements))


ELEMENT = '{"id": "1", "contents": "a"}'


@pytest.mark.parametrize(
    "content", [f"[{ELEMENT}", f"[{ELEMENT}]\n{ELEMENT}", f"[{ELEMENT} {ELEMENT}]", "[" * 100_000]
)
def test_a_broken_array_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "c.json").write_text(content)
    for policy in ("stop", "skip"):
        with pytest.raises(ValueError, match=r"c\.json: starts with '\[' and is no JSON array: "):
            list(open_corpus(str(tmp_path / "c.json"), problems=Problems(policy)))


@pytest.mark.parametrize("block", [1, 2, 7, 64])
def test_an_array_reads_the_same_whatever_blocks_it_comes_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    elements = [{"id": "1"}, 12, -3.5e2, 'a ] , [ \\ " é😀', [[], {}], None, True, {}, {"a": [1]}]
    path = tmp_path / "c.json"
    monkeypatch.setattr(
        json_arrays, "read_blocks", lambda path: bounded.read_blocks(path, max(4, block))
    )
    for text in (json.dumps(elements), json.dumps(elements, indent=3, ensure_ascii=False) + "\n\n"):
        path.write_text(text, encoding="utf-8")
        assert list(json_arrays._elements(path)) == elements
    path.write_text(" [ ] ")
    assert list(json_arrays._elements(path)) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[", "Expecting value"),
        (b"[1 2]", "',' or ']' is missing after element 1"),
        (b"[1, 2}", "',' or ']' is missing after element 2"),
        (b"[1,]", "Expecting value after element 1"),
        (b"[1, 2", "',' or ']' is missing after element 2"),
        (b"[1, 2]]", "more stands behind its end after element 2"),
        (b"[1, 2] 3", "more stands behind its end"),
        (b'[{"a": nul}]', "Expecting value"),
        (b'["\xff"]', "c.json:1: not UTF-8"),
        (b"[" + b"9" * 5000 + b"]", "digits"),
    ],
)
def test_what_breaks_an_array_is_told(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"c\.json: starts with '\['") as caught:
        list(json_arrays._elements(path))
    assert why in str(caught.value)


def test_an_element_is_bounded_and_an_array_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_arrays, "LONGEST_LINE", 1000)
    monkeypatch.setattr(json_arrays, "read_blocks", lambda path: bounded.read_blocks(path, 100))
    path = tmp_path / "c.json"
    path.write_text(json.dumps([{"id": str(number), "contents": "x"} for number in range(900)]))
    assert len(list(open_corpus(str(path)))) == 900
    path.write_text(json.dumps([{"id": "1", "contents": "x" * 2000}]))
    with pytest.raises(ValueError, match="an element has over 1,000 characters"):
        list(open_corpus(str(path)))
