from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.records import Hit
from hyper_ir.mining.candidates import NOWHERE, ByDocument, Candidates
from hyper_ir.mining.evidence import Ids

LISTS = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=6), max_size=6)


def collected(lists: dict[int, list[str]], count: int) -> Candidates:
    hits = ((query, [Hit(id, 1.0) for id in ids]) for query, ids in lists.items())
    return Candidates.collect(hits, count)


@given(lists=LISTS, order=st.randoms(use_true_random=False))
def test_hits_come_back_whatever_the_order_of_queries(
    lists: list[list[str]], order: object
) -> None:
    queries = list(range(len(lists)))
    order.shuffle(queries)  # type: ignore[attr-defined]
    candidates = collected({query: lists[query] for query in queries}, len(lists) + 1)
    ids = list("abcdefghij")
    names = {number: id for id, number in zip(ids, candidates.numbers_of(ids), strict=True)}
    for query, expected in enumerate([*lists, []]):
        found = candidates.documents[candidates.span(query)].tolist()
        assert [names[number] for number in found] == expected
    met = {id for each in lists for id in each}
    assert [id for id in ids if candidates.numbers_of([id]) == [NOWHERE]] == [
        id for id in ids if id not in met
    ]


@given(lists=LISTS, wanted=st.lists(st.booleans(), min_size=7, max_size=7))
def test_the_documents_side_is_the_same_hits(lists: list[list[str]], wanted: list[bool]) -> None:
    count = len(lists) + 1
    candidates = collected(dict(enumerate(lists)), count)
    by_document = ByDocument(candidates, np.array(wanted[:count]))
    found = {
        (query, place, document)
        for document in range(len(candidates.keys))
        for place, query in by_document.of(document)
    }
    expected = {
        (query, place, int(candidates.documents[place]))
        for query in range(count)
        for place in range(*candidates.span(query).indices(10**6))
        if wanted[query]
    }
    assert found == expected


@given(st.lists(st.text("a#é日\U0001f600", max_size=4)))
def test_ids_by_number(ids: list[str]) -> None:
    table = Ids()
    for id in ids:
        table.append(id)
    assert [table[row] for row in range(len(table))] == ids
