from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.records import Passage
from hyper_ir.data.vectors import EMPTY_DOCUMENT
from hyper_ir.encode.lines import LineWriter, counts_of

TEXT = st.text(max_size=20)


@given(
    tokens=st.lists(TEXT, min_size=1, max_size=8, unique=True),
    id=TEXT,
    fields=st.lists(TEXT, min_size=1, max_size=3),
    data=st.data(),
)
def test_a_line_is_what_json_writes(
    tokens: list[str], id: str, fields: list[str], data: st.DataObject
) -> None:
    passage = Passage(id, {str(number): text for number, text in enumerate(fields)})
    ids = data.draw(st.lists(st.integers(0, len(tokens) - 1), unique=True))
    impacts = data.draw(st.lists(st.integers(1, 2**24), min_size=len(ids), max_size=len(ids)))
    vector = (np.array(ids, np.int64), np.array(impacts, np.int64))
    named = {tokens[i]: value for i, value in zip(ids, impacts, strict=True)}
    record = {"id": id, "contents": passage.contents, "vector": named or {EMPTY_DOCUMENT: 1}}
    assert LineWriter(tokens).line(passage, vector) == json.dumps(record, ensure_ascii=False)


def test_a_dense_vector_is_a_list() -> None:
    dense = np.array([0.5, -1.25], np.float32)
    line = LineWriter([]).line(Passage("a", {"contents": "b"}), dense)
    assert json.loads(line) == {"id": "a", "contents": "b", "vector": [0.5, -1.25]}


def test_counts() -> None:
    empty = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    two = (np.array([3, 1]), np.array([9, 8]))
    assert counts_of([two, empty, two]) == {"documents": 3, "terms": 4, "empty": 1}
    assert counts_of([np.zeros(4, np.float32)]) == {"documents": 1, "terms": 0, "empty": 0}
