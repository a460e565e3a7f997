from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.records import Hit
from hyper_ir.lucene import pyserini_api
from hyper_ir.lucene.hits import read_hits
from hyper_ir.lucene.impact_indexing import build_impact_index
from hyper_ir.lucene.indexing import Storage
from hyper_ir.lucene.java import Java
from hyper_ir.lucene.searching import ImpactSearcher
from tests.lucene.conftest import write_vectors


@given(st.lists(st.floats(0, 2**40, width=32)))
def test_scores_keep_their_32_bits(scores: list[float]) -> None:
    shortest = [float(f"{score:.9g}") for score in scores]  # what a text of them may say
    found: list[dict[str, Any]] = [{"docid": "d", "score": score} for score in shortest]
    assert [hit.score for hit in read_hits(found)] == scores
    assert all(
        struct.unpack("f", struct.pack("f", hit.score))[0] == hit.score for hit in read_hits(found)
    )


@pytest.mark.jvm
def test_hits_are_those_that_pyjnius_reads_one_by_one(java_here: Java, tmp_path: Path) -> None:
    vectors = {
        'q"uote\\': {"x": 3, "y": 1},
        "😀": {"x": 1_000_003},
        "é\u2028": {"x": 7, "y": 70_001},
        "plain#1": {"y": 2},
    }
    write_vectors(
        tmp_path / "v" / "v.jsonl", {id.replace("\u2028", ""): v for id, v in vectors.items()}
    )
    storage = Storage(contents=True, raw=True)  # a stored document is not read along
    build_impact_index(tmp_path / "v", tmp_path / "i", storage=storage, progress=False)
    batch = [("1", {"x": 3, "y": 5}), ("é 2", {"y": 1}), ("3", {"none": 1})]
    ours = ImpactSearcher(tmp_path / "i").search(batch, 10, threads=2)
    stock = pyserini_api.load().LuceneImpactSearcher(str(tmp_path / "i"), _AsGiven(), 0)
    found = stock.batch_search([vector for _, vector in batch], [id for id, _ in batch], 10, 2)
    assert ours == {id: [Hit(hit.docid, hit.score) for hit in hits] for id, hits in found.items()}
    assert [len(ours[id]) for id, _ in batch] == [4, 3, 0]


class _AsGiven:
    def encode(self, query: dict[str, int]) -> dict[str, int]:
        return query
