"""Whatever a file holds, a reader ends well, or with a ValueError that names the file.

Lines are made of what breaks readers: values of the wrong type under the right keys, ids that no
run file can hold, NaN, unpaired surrogates, deep nesting, cut lines, bytes that are not UTF-8.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.kilt_tasks import judgments_of, read_kilt_task
from hyper_ir.data.qrels import read_qrels
from hyper_ir.data.topics import read_topics
from hyper_ir.data.vectors import read_vectors
from hyper_ir.problems import Problems

DEEP = "[" * 100_000
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 3),
        st.floats(),
        st.sampled_from(["", " ", "a", "b", "a b", "a\tb", "a\n", "\0", "\ud800", "\u2028", "é#1"]),
        st.text(max_size=4),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["wikipedia_id", "answer", "provenance", "title", "a", ""]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        *("id", "_id", "docid", "qid", "contents", "title", "text", "query", "vector"),
        *("input", "output", "answer", "wikipedia_id", "wikipedia_title"),
    ]
)
GOOD = st.sampled_from(
    [
        '{"id": "1", "contents": "a"}',
        '{"_id": "1", "title": "t", "text": "a"}',
        '{"_id": "2", "wikipedia_id": "2", "wikipedia_title": "t", "text": ["t", "a b"]}',
        '{"id": "1", "input": "a", "output": [{"provenance": [{"wikipedia_id": "2"}]}]}',
        '{"id": "1", "contents": "", "vector": {"a": 1}}',
        '{"1": {"title": "a"}}',
        "1\ta",
        "1\ta\tb",
        "q 0 d 1",
        "query-id\tcorpus-id\tscore",
        "q\td\t1",
    ]
).map(str.encode)
RECORDS = st.dictionaries(KEYS, VALUES, max_size=5).map(lambda each: json.dumps(each).encode())
COLUMNS = st.lists(st.text(max_size=3), max_size=5).map(
    lambda each: "\t".join(each).encode(errors="surrogatepass")
)
CUT = st.tuples(GOOD | RECORDS, st.integers(0, 40)).map(lambda pair: pair[0][: pair[1]])
LINES = st.one_of(GOOD, RECORDS, COLUMNS, CUT, st.binary(max_size=12), st.just(DEEP.encode()))
FILES = st.lists(LINES, max_size=6).map(b"\n".join)


@st.composite
def packed(draw: st.DrawFn) -> bytes:
    """A gzip file, whole, cut short or damaged."""
    content = gzip.compress(draw(FILES), mtime=0)
    at = draw(st.integers(0, len(content)))
    kind = draw(st.sampled_from(["whole", "cut", "damaged", "trailing"]))
    if kind == "whole":
        return content
    if kind == "cut":
        return content[:at]
    if kind == "trailing":
        return content + b"rest"
    return content[:at] + b"\x7f" + content[at + 1 :]


Reader = Callable[[str, Problems], Iterable[str]]


def corpus_records(format: str, **settings: Any) -> Reader:
    def read(path: str, problems: Problems) -> Iterable[str]:
        for passage in open_corpus(path, format=format, problems=problems, **settings):
            assert any(text.strip() for text in passage.fields.values())
            yield passage.id
            yield from (text for text in passage.fields.values())

    return read


def topic_records(format: str) -> Reader:
    def read(path: str, problems: Problems) -> Iterable[str]:
        for topic in read_topics(path, format, problems):
            yield topic.id
            yield topic.text

    return read


def kilt_records(path: str, problems: Problems) -> Iterable[str]:
    for record in read_kilt_task(path, problems):
        yield record.id
        yield from (judgment.doc_id for judgment in judgments_of([record]))


def vector_records(path: str, problems: Problems) -> Iterable[str]:
    for id, vector, _ in read_vectors(path, problems):
        assert vector
        assert all(type(weight) is int and weight >= 1 for weight in vector.values())
        yield id
        yield from vector


READERS: dict[str, Reader] = {
    **{f"corpus {name}": corpus_records(name) for name in ("auto", "pyserini", "beir", "kilt")},
    "corpus tsv": corpus_records("tsv"),
    "corpus with fields": corpus_records("auto", fields=["title", "text"]),
    "corpus by paragraph": corpus_records("kilt", by="paragraph"),
    **{
        f"topics {name}": topic_records(name)
        for name in ("auto", "tsv", "beir", "kilt", "pyserini")
    },
    "qrels": lambda path, problems: (
        text for each in read_qrels(path, problems) for text in (each.topic_id, each.doc_id)
    ),
    "KILT task": kilt_records,
    "vectors": vector_records,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.mark.parametrize("reader", READERS)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(content=FILES | packed(), suffix=st.sampled_from([".jsonl", ".json", ".tsv"]))
@example(content=b"", suffix=".jsonl")
@example(content=DEEP.encode(), suffix=".json")
@example(content=('{"id": ' + DEEP).encode(), suffix=".json")
@example(content=b'{"id": "1", "contents": "\\ud800"}', suffix=".jsonl")
@example(content=b'{"id": ' + b"9" * 5_000 + b"}", suffix=".jsonl")
@example(content=b"\x1f\x8b", suffix=".jsonl")
@example(content=b"1\ta\xff\n", suffix=".tsv")
def test_any_file_is_read_or_named(folder: Path, reader: str, content: bytes, suffix: str) -> None:
    path = folder / f"file{suffix}"
    path.write_bytes(content)
    for problems in (Problems("stop"), Problems("skip")):
        message = ""
        found: list[str] = []
        try:
            found = list(READERS[reader](str(path), problems))
        except ValueError as error:
            message = str(error)
        assert found or str(path) in message
        "".join(found).encode()  # what was read can be written


@pytest.mark.parametrize("reader", READERS)
def test_a_folder_or_nothing_where_a_file_should_be_is_named(tmp_path: Path, reader: str) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "none", tmp_path / "none" / "deeper"):
        with pytest.raises(ValueError, match=path.name):
            list(READERS[reader](str(path), Problems("skip")))


@pytest.mark.parametrize("reader", ["corpus auto", "topics auto", "KILT task", "vectors", "qrels"])
def test_a_long_id_does_not_make_a_long_message(tmp_path: Path, reader: str) -> None:
    id, path = "x" * 30_000, tmp_path / "file.jsonl"
    record = {"id": id, "input": "a", "contents": "a", "text": "a", "vector": {"a": 1}}
    line = f"q 0 {id} 1" if reader == "qrels" else json.dumps(record)
    path.write_text(f"{line}\n{line}\n")
    with pytest.raises(ValueError, match=r"file\.jsonl:2: ") as caught:
        list(READERS[reader](str(path), Problems("stop")))
    assert len(str(caught.value)) < 1000
