from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.data.corpus import Corpus, open_corpus
from hyper_ir.manifest import Manifest
from hyper_ir.mining.checks import check_index
from tests.mining.files import write_jsonl


def corpus_of(tmp_path: Path, name: str = "k.jsonl", **flags: Any) -> Corpus:
    page = {"wikipedia_id": "1", "wikipedia_title": "T", "text": ["T", "words"]}
    return open_corpus(str(write_jsonl(tmp_path / name, [page])), **flags)


def test_an_index_of_this_corpus_fits(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    manifest = Manifest("index", inputs={"corpus": corpus.describe()})
    assert check_index("i", manifest, corpus) == ""
    (tmp_path / "moved").mkdir()
    assert check_index("i", manifest, corpus_of(tmp_path / "moved")) == ""


def test_an_index_of_another_tool_is_taken_as_it_is(tmp_path: Path) -> None:
    assert check_index("i", None, corpus_of(tmp_path)) == ""
    assert check_index("i", Manifest("index"), corpus_of(tmp_path)) == ""
    assert check_index("i", Manifest("index", inputs={"corpus": "list"}), corpus_of(tmp_path)) == ""


def test_an_index_of_impacts_is_refused_whatever_it_was_made_of(tmp_path: Path) -> None:
    manifest = Manifest("index", config={"impact": True})
    with pytest.raises(ValueError, match="index: i holds impacts") as caught:
        check_index("i", manifest, corpus_of(tmp_path))
    told = str(caught.value)
    assert f"a BM25 index (python -m hyper_ir.index --input {tmp_path / 'k.jsonl'} --index" in told
    assert "--runs" in told
    assert "--impact" not in told


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"words": 50}, "words 100 there and 50 here"),
        ({"by": "paragraph"}, "by 'words' there and 'paragraph' here"),
        ({"fields": ["text"]}, "fields title text there and text here"),
        ({"format": "pyserini", "fields": ["text"], "docid_field": "_id"}, "docid_field None"),
    ],
)
def test_other_passages_are_refused(tmp_path: Path, flags: dict[str, Any], told: str) -> None:
    manifest = Manifest("index", inputs={"corpus": corpus_of(tmp_path).describe()})
    with pytest.raises(ValueError, match=told) as caught:
        check_index("indexes/i", manifest, corpus_of(tmp_path, **flags))
    assert "index: indexes/i and --corpus" in str(caught.value)


def test_other_files_are_told(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    manifest = Manifest("index", inputs={"corpus": corpus.describe()})
    (tmp_path / "more").mkdir()
    other = replace(corpus_of(tmp_path / "more", "l.jsonl"))
    assert "whose files are not those of" in check_index("i", manifest, other)
