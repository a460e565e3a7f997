from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.passages import line_of, write_passages
from hyper_ir.data.records import Passage


def passages(count: int) -> list[Passage]:
    return [Passage(f"P#{n}", {"title": "t", "text": f"text {n}"}) for n in range(count)]


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("count", [1, 3, 4, 6])
def test_shards_hold_all_passages_in_order(tmp_path: Path, count: int, compress: bool) -> None:
    assert write_passages(tmp_path, iter(passages(count)), "fields", 3, compress) == count
    suffix = ".jsonl.gz" if compress else ".jsonl"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"passages-{n:05d}{suffix}" for n in range(-(-count // 3))]
    found = [(each.id, each.fields) for each in open_corpus(str(tmp_path))]
    assert found == [(each.id, each.fields) for each in passages(count)]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text("ab\r\n"))
def test_contents_has_one_line_a_field(title: str, text: str) -> None:
    line = line_of(Passage("1", {"title": title, "text": text}), "contents")
    assert line.count("\n") == 1
    parts = json.loads(line)["contents"].split("\n")
    assert [part.split() for part in parts] == [title.split(), text.split()]


def test_fields_are_unchanged() -> None:
    passage = Passage("1", {"title": "é\u2028", "text": "a\nb"})
    assert json.loads(line_of(passage, "fields")) == {"id": "1", "title": "é\u2028", "text": "a\nb"}


def test_a_shard_holds_something(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1 passage"):
        write_passages(tmp_path, passages(1), shard_size=0)
