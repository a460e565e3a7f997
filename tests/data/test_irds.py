from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hyper_ir.data import irds
from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.qrels import read_qrels
from hyper_ir.data.records import Judgment, Topic
from hyper_ir.data.topics import read_topics
from hyper_ir.problems import Problems

ir_datasets = pytest.importorskip("ir_datasets")


class TextFirst(NamedTuple):
    doc_id: str
    text: str
    title: str
    url: str

    def default_text(self) -> str:
        return f"{self.title} {self.text}"


class Abstract(NamedTuple):
    doc_id: str
    title: str
    abstract: str


class Bytes(NamedTuple):
    doc_id: str
    title: str
    body: bytes

    def default_text(self) -> str:
        return f"{self.title} {self.body.decode()}"


class Query(NamedTuple):
    query_id: str
    title: str
    narrative: str

    def default_text(self) -> str:
        return self.title


class Qrel(NamedTuple):
    query_id: str
    doc_id: str
    relevance: int
    iteration: str


class Subtopic(NamedTuple):
    query_id: str
    doc_id: str
    relevance: int
    subtopic_id: int


def register(
    docs: list[Any] | None = None, queries: list[Any] | None = None, qrels: list[Any] | None = None
) -> str:
    """Register a dataset of these records under a fresh name; return ``ir_datasets:NAME``."""
    base = ir_datasets.formats.base
    parts = [_part(base.BaseDocs, "docs", docs), _part(base.BaseQueries, "queries", queries)]
    parts.append(_part(base.BaseQrels, "qrels", qrels))
    name = f"test-{uuid.uuid4().hex}"
    ir_datasets.registry.register(
        name, ir_datasets.Dataset(*(each for each in parts if each is not None))
    )
    return irds.PREFIX + name


def _part(base: Any, kind: str, records: list[Any] | None) -> Any:
    if records is None:
        return None

    def iterate(self: Any) -> Iterator[Any]:
        for record in records:
            if isinstance(record, Exception):
                raise record
            yield record

    methods = {f"{kind}_iter": iterate, f"{kind}_cls": lambda self: type(records[0])}
    if kind == "docs":
        methods["docs_metadata"] = lambda self: None
    return type("Part", (base,), methods)()


def test_docs_are_passages_with_the_title_first() -> None:
    source = register(docs=[TextFirst("d1", "text", "title", "http"), TextFirst("d2", "", "t", "")])
    corpus = open_corpus(source)
    assert corpus.format == "ir_datasets"
    for _ in range(2):
        assert [(each.id, each.fields, each.where) for each in corpus] == [
            ("d1", {"title": "title", "text": "text"}, f"{source}:1"),
            ("d2", {"title": "t", "text": ""}, f"{source}:2"),
        ]
    assert list(next(iter(corpus)).fields) == ["title", "text"]
    assert corpus.describe()["source"] == source
    assert corpus.size_hint() is None


def test_fields_by_type_by_name_and_by_the_datasets_own_text() -> None:
    abstract = register(docs=[Abstract("1", "t", "a")])
    assert [each.fields for each in open_corpus(abstract)] == [{"title": "t", "abstract": "a"}]
    named = open_corpus(register(docs=[TextFirst("1", "x", "t", "u")]), fields=["url", "text"])
    assert [each.fields for each in named] == [{"url": "u", "text": "x"}]
    own = open_corpus(register(docs=[Bytes("1", "t", b"b")]))
    assert [each.fields for each in own] == [{"text": "t b"}]


def test_bad_documents_are_named_and_skipped() -> None:
    docs = [
        TextFirst("1", "x", "t", ""),
        TextFirst("a b", "x", "t", ""),
        TextFirst("2", " ", "", ""),
        TextFirst("1", "x", "", ""),
        TextFirst("3", "x", "", ""),
    ]
    source = register(docs=docs)
    with pytest.raises(ValueError, match=f"{source}:2: doc_id 'a b' holds white space"):
        list(open_corpus(source))
    problems = Problems("skip")
    assert [each.id for each in open_corpus(source, problems=problems)] == ["1", "3"]
    assert [example.split(": ")[0] for example in problems.examples] == [
        f"{source}:{number}" for number in (2, 3, 4)
    ]
    broken = register(docs=[Bytes("1", "t", b"\xff"), Bytes("2", "t", b"b")])
    problems = Problems("skip")
    assert [each.id for each in open_corpus(broken, problems=problems)] == ["2"]
    assert problems.count == 1


def test_topics_have_the_datasets_default_text() -> None:
    queries = [Query("7", "title", "long"), Query("8", "[START_ENT] x [END_ENT]\nline", "")]
    source = register(queries=queries)
    assert read_topics(source) == [
        Topic("7", "title"),
        Topic("8", "[START_ENT] x [END_ENT]\nline"),
    ]
    name = source.removeprefix(irds.PREFIX)
    assert read_topics(name, "ir_datasets") == read_topics(source)
    problems = Problems("skip")
    bad = register(queries=[Query("7", "title", ""), Query("8", "", ""), Query("7", "x", "")])
    assert read_topics(bad, problems=problems) == [Topic("7", "title")]
    assert problems.count == 2


def test_judgments_keep_iteration_or_subtopic() -> None:
    assert read_qrels(register(qrels=[Qrel("q", "d", 2, "Q0"), Qrel("q", "e", -1, "")])) == [
        Judgment("q", "Q0", "d", 2),
        Judgment("q", "0", "e", -1),
    ]
    assert read_qrels(register(qrels=[Subtopic("q", "d", 1, 3)])) == [Judgment("q", "3", "d", 1)]
    with pytest.raises(ValueError, match=r":1: no grade of a document for a query"):
        read_qrels(register(qrels=[Query("q", "d", "")]))


def test_unknown_names_and_missing_parts_are_named() -> None:
    with pytest.raises(ValueError, match="ir_datasets knows no 'nothing-like-it'"):
        open_corpus("ir_datasets:nothing-like-it")
    source = register(queries=[Query("1", "x", "")])
    with pytest.raises(ValueError, match="has no docs; it has queries"):
        open_corpus(source)
    with pytest.raises(ValueError, match="has no qrels; it has queries"):
        read_qrels(source)
    docs = register(docs=[Abstract("1", "t", "a")])
    with pytest.raises(ValueError, match="documents have no field body; they have doc_id, title"):
        open_corpus(docs, fields=["body"])
    with pytest.raises(ValueError, match="of format ir_datasets, not tsv"):
        open_corpus(docs, format="tsv")


def test_a_failing_download_names_the_collection() -> None:
    source = register(docs=[Abstract("1", "t", "a"), OSError("no network")])
    with pytest.raises(ValueError, match=f"{source}: cannot read document 2: no network"):
        list(open_corpus(source))


def test_every_document_type_of_ir_datasets_has_a_text() -> None:
    """By its fields where it has a plain text, else by its own default_text."""
    chosen: dict[str, list[str] | None] = {}
    for name in list(ir_datasets.registry):
        dataset = ir_datasets.load(name)
        if dataset.has_docs():
            kind = dataset.docs_cls()
            if kind.__name__ == "ToucheImageDoc":
                with pytest.raises(ValueError, match="documents have no text; they have doc_id"):
                    irds.text_fields(kind, None, name)
                continue
            chosen[kind.__name__] = irds.text_fields(kind, None, name)
            assert chosen[kind.__name__] or hasattr(kind, "default_text")
    assert chosen["MsMarcoDocument"] == ["title", "body"]
    assert chosen["MsMarcoV2Document"] == ["title", "headings", "body"]
    assert chosen["BeirTitleDoc"] == ["title", "text"]
    assert chosen["Cord19FullTextDoc"] is None
    assert chosen["ClinicalTrialsDoc"] == [
        *("title", "condition", "summary", "detailed_description", "eligibility")
    ]


def test_the_catalogue_tells_the_size_without_a_download() -> None:
    assert irds.docs_count("ir_datasets:msmarco-passage") == 8_841_823


def test_nothing_is_written_where_only_metadata_is_read(tmp_path: Path) -> None:
    home = Path(ir_datasets.util.home_path())
    before = sorted(home.rglob("*")) if home.exists() else None
    irds.docs_count("ir_datasets:beir/scifact")
    assert (sorted(home.rglob("*")) if home.exists() else None) == before
