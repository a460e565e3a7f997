from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hyper_ir.data import formats
from hyper_ir.data.corpus import open_corpus


def corpus_of(path: Path, *lines: str, **settings: Any) -> list[dict[str, str]]:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return [{"id": passage.id, **passage.fields} for passage in open_corpus(str(path), **settings)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"id": "1", "contents": "a"}', "pyserini"),
        ('{"docid": "1", "title": "a", "body": "b"}', "pyserini"),
        ('{"_id": "1", "title": "a", "text": "b"}', "beir"),
        ('{"_id": "1", "contents": "a", "text": "b"}', "pyserini"),
        ('{"_id": "1", "wikipedia_id": "1", "wikipedia_title": "a", "text": ["a"]}', "kilt"),
        ("1\ta text", "tsv"),
    ],
)
def test_the_format_is_told_by_the_first_record(tmp_path: Path, line: str, expected: str) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "file").write_text("\n" + line + "\n")
    assert formats.detect([tmp_path / "empty", tmp_path / "file"]) == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "the file is empty"),
        ("[", ": starts with '\\[' and is no JSON array"),
        ("[]", ": no line or element holds a JSON object"),
        ("plain text", ":1: neither a JSON object nor columns"),
        ("{broken", ":1: not a JSON object"),
    ],
)
def test_a_file_of_no_known_format_is_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "file").write_text(line)
    with pytest.raises(ValueError, match=rf"file({message}|{message.lstrip(':')}|: {message})"):
        formats.detect([tmp_path / "file"])


def test_contents_is_the_one_field_without_names(tmp_path: Path) -> None:
    found = corpus_of(tmp_path / "c", '{"id": 7, "contents": "a\\nb", "title": "no"}')
    assert found == [{"id": "7", "contents": "a\nb"}]


def test_title_and_text_are_the_fields_of_beir(tmp_path: Path) -> None:
    found = corpus_of(
        tmp_path / "c",
        '{"_id": "1", "text": "b", "title": "a", "metadata": {}}',
        '{"_id": "2", "text": "", "title": "only a title"}',
        '{"_id": "3", "text": "only a text", "title": null}',
    )
    assert found == [
        {"id": "1", "title": "a", "text": "b"},
        {"id": "2", "title": "only a title", "text": ""},
        {"id": "3", "title": "", "text": "only a text"},
    ]
    assert list(found[0]) == ["id", "title", "text"]


def test_named_fields_come_before_contents(tmp_path: Path) -> None:
    line = '{"id": "1", "title": " a ", "body": "b", "contents": "c"}'
    assert corpus_of(tmp_path / "c", line, fields=["body", "title"]) == [
        {"id": "1", "body": "b", "title": "a"}
    ]


def pyserini_split(contents: str, fields: Sequence[str], delimiter: str) -> list[str] | None:
    """Pyserini's rule, as its JsonlCollectionIterator has it; None where it raises."""
    if contents.count(delimiter) == len(fields) and contents.endswith(delimiter):
        contents = contents[: -len(delimiter)]
    parts = [part.strip(" ") for part in contents.split(delimiter)]
    return parts if len(parts) == len(fields) else None


@example(contents="|||", count=1, delimiter="||")
@given(
    contents=st.text("ab |\n", min_size=1, max_size=8),
    count=st.integers(1, 3),
    delimiter=st.sampled_from(["\n", "|", "||"]),
)
def test_contents_is_split_as_pyserini_splits_it(contents: str, count: int, delimiter: str) -> None:
    fields = ["one", "two", "three"][:count]
    expected = pyserini_split(contents, fields, delimiter)
    try:
        found = list(formats._split_contents({"contents": contents}, fields, delimiter).values())
    except ValueError:
        assert expected is None
    else:
        assert found == expected


def pyserini_iterator(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Pyserini's own reader, from its file, without what in its package starts a JVM."""
    package = find_spec("pyserini")
    if package is None or package.origin is None:
        pytest.skip("no Pyserini here")
    path = Path(package.origin).parent / "encode" / "_base.py"
    spec = spec_from_file_location("pyserini_encode_base", path)
    assert spec is not None
    assert spec.loader is not None
    downloads = ModuleType("pyserini.util")
    downloads.download_encoded_queries = None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyserini.util", downloads)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.JsonlCollectionIterator


def test_pyserini_reads_the_same_fields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [
        {"id": 1, "contents": "title\ntext"},
        {"_id": "2", "contents": "title only\n"},
        {"docid": "3", "title": " t ", "text": "x", "contents": "other"},
        {"id": "4", "contents": "a\nb\n"},
    ]
    path = tmp_path / "c.jsonl"
    lines = [json.dumps(record) for record in records]
    ours = corpus_of(path, *lines, fields=["title", "text"])
    theirs = pyserini_iterator(monkeypatch)(str(path), fields=["title", "text"]).all_info
    assert [each["id"] for each in ours] == theirs["id"]
    assert [each["title"] for each in ours] == theirs["title"]
    assert [each["text"] for each in ours] == theirs["text"]


def test_tsv_has_two_or_three_columns_or_a_header(tmp_path: Path) -> None:
    assert corpus_of(tmp_path / "a", "1\tx y", "2\tz") == [
        {"id": "1", "text": "x y"},
        {"id": "2", "text": "z"},
    ]
    assert corpus_of(tmp_path / "b", "1\tt\tx") == [{"id": "1", "title": "t", "text": "x"}]
    assert corpus_of(tmp_path / "c", "id\ttext\ttitle", "1\tx\tt") == [
        {"id": "1", "text": "x", "title": "t"}
    ]
    assert corpus_of(tmp_path / "d", "D1\tu\tt\tb", fields=["url", "title", "body"]) == [
        {"id": "D1", "url": "u", "title": "t", "body": "b"}
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1\tx", "2\tx\ty"], ":2: 3 columns; 2 are needed: id, text"),
        (["1\ta\tb\tc"], ":1: 4 columns; 2"),
        (["1\tx", "two words\tx"], ":2: id 'two words' holds white space"),
        (["1\tx", "2\t "], ":2: document 2 has no text"),
        (['{"id": "1", "contents": "x"}', '{"contents": "x"}'], ":2: id is missing"),
        (['{"id": "1", "body": "x"}'], ":1: the record has neither contents nor text; .*body"),
        (['{"id": "1", "contents": ["x"]}'], ":1: contents is of type list"),
        (['{"id": "1", "contents": "x\\u0000"}'], ":1: contents holds a NUL"),
        (['{"id": "1", "contents": "\\ud800"}'], ":1: contents holds an unpaired surrogate"),
        (['{"id": NaN, "contents": "x"}'], ":1: id is of type float"),
    ],
)
def test_a_bad_record_is_named_by_file_and_line(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=f"corpus{message}"):
        corpus_of(tmp_path / "corpus", *lines)


def test_missing_fields_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r":1: field body missing, and no contents to split"):
        corpus_of(tmp_path / "c", '{"id": "1", "title": "x"}', fields=["title", "body"])
    with pytest.raises(ValueError, match=r":1: contents has 3 parts .* 2 are needed"):
        corpus_of(tmp_path / "c", '{"id": "1", "contents": "a\\nb\\nc"}', fields=["t", "b"])
