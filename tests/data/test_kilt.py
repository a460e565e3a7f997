from __future__ import annotations

import gzip
import json
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.kilt import passages_of_page
from hyper_ir.data.records import page_of
from hyper_ir.problems import Problems


def page(*paragraphs: str, id: object = "12", title: str = "A Page") -> dict[str, Any]:
    text = [title + "\n", *(each + "\n" for each in paragraphs)]
    return {"_id": "0", "wikipedia_id": id, "wikipedia_title": title, "text": text}


def texts(record: dict[str, Any], **settings: Any) -> dict[str, str]:
    passages = passages_of_page(record, **settings)
    assert {passage.fields["title"] for passage in passages} == {record["wikipedia_title"]}
    return {passage.id: passage.fields["text"] for passage in passages}


def test_paragraphs_follow_one_another_in_blocks_of_words() -> None:
    record = page("a b c", "d e", "f g h i")
    assert texts(record, words=4) == {"12#0": "a b c d", "12#1": "e f g h", "12#2": "i"}


def test_a_paragraph_keeps_its_number() -> None:
    record = page("first", "Section::::History.", "", "fourth  paragraph")
    assert texts(record, by="paragraph") == {"12#1": "first", "12#4": "fourth paragraph"}


def test_names_of_sections_go_and_items_of_lists_stay() -> None:
    record = page(
        "Intro.",
        "Section::::Early life:::At school.",
        "BULLET::::- An item",
        "BULLET::::2. A numbered item",
        "Mentions Section:::: inside",
    )
    assert texts(record) == {
        "12#0": "Intro. An item 2. A numbered item Mentions Section:::: inside"
    }


def test_a_page_without_words_can_still_be_found() -> None:
    assert texts(page("Section::::See also.")) == {"12#0": ""}
    assert texts(page(), by="paragraph") == {"12#0": ""}


def test_the_title_line_stands_in_for_a_missing_title() -> None:
    record = {"_id": 3, "text": ["The Title\n", "x\n"]}
    assert passages_of_page(record)[0].fields == {"title": "The Title", "text": "x"}
    assert passages_of_page(record)[0].id == "3#0"


WORDS = st.text("ab \t\n", max_size=30)


@given(st.lists(WORDS, max_size=6), st.integers(1, 7))
def test_no_word_is_lost_and_every_block_but_the_last_is_full(
    paragraphs: list[str], words: int
) -> None:
    passages = passages_of_page(page(*paragraphs), words=words)
    blocks = [passage.fields["text"].split() for passage in passages]
    assert list(chain.from_iterable(blocks)) == " ".join(paragraphs).split()
    assert all(len(block) == words for block in blocks[:-1])
    assert len(blocks[-1]) <= words
    assert [passage.id for passage in passages] == [f"12#{n}" for n in range(len(passages))]
    assert {page_of(passage.id) for passage in passages} == {"12"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": "a text"}, "text is not a list"),
        ({"text": None}, "text is not a list"),
        ({"text": ["T", 3]}, "text is of type int"),
        ({"text": [["T"]]}, "text is of type list"),
        ({"wikipedia_id": None}, "wikipedia_id is missing"),
        ({"wikipedia_id": "1 2"}, "white space"),
        ({"wikipedia_title": 7}, "wikipedia_title is of type int"),
        ({"wikipedia_title": "", "text": []}, "the page has no title and no text"),
    ],
)
def test_what_is_no_page_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "ks.json"
    path.write_text(json.dumps(page("x")) + "\n" + json.dumps(page("y", id=2) | change) + "\n")
    with pytest.raises(ValueError, match=f"ks.json:2: .*{message}"):
        list(open_corpus(str(path)))


def test_a_knowledge_source_streams_through_open_corpus(tmp_path: Path) -> None:
    path = tmp_path / "ks.json.gz"
    records = [page("a b c", id="1"), page("d", id="2"), page("twin", id="1"), page("e", id="3")]
    path.write_bytes(gzip.compress("".join(json.dumps(r) + "\n" for r in records).encode()))
    problems = Problems("skip")
    corpus = open_corpus(str(path), words=2, problems=problems)
    assert corpus.format == "kilt"
    assert [passage.id for passage in corpus] == ["1#0", "1#1", "2#0", "3#0"]
    assert problems.examples == [f"{path}:3: id 1 stands at {path}:1 already"]
    assert corpus.describe()["words"] == 2


def test_one_field_of_a_page(tmp_path: Path) -> None:
    path = tmp_path / "ks.json"
    path.write_text(json.dumps(page("a b")) + "\n" + json.dumps(page(id="13")) + "\n")
    problems = Problems("skip")
    corpus = open_corpus(str(path), fields=["text"], problems=problems)
    assert [passage.fields for passage in corpus] == [{"text": "a b"}]
    assert problems.examples == [f"{path}:2: the page has no text"]
    with pytest.raises(ValueError, match="a KILT passage has title and text, no body"):
        open_corpus(str(path), fields=["text", "body"])


def test_a_page_of_more_paragraphs_than_any_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k.jsonl"
    page = {"wikipedia_id": "1", "wikipedia_title": "T", "text": ["T"] + ["a"] * 100_000}
    path.write_text(json.dumps(page))
    with pytest.raises(ValueError, match=r"k\.jsonl:1: text has 100,001 paragraphs, over 100,000"):
        list(open_corpus(str(path)))
