from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.export.bulk_forms import Form, is_exact

VECTOR = {"a.b": 700, "##c": 3}


def test_opensearch() -> None:
    form = Form("opensearch", "docs", "v")
    assert form.create()["mappings"]["properties"] == {"v": {"type": "rank_features"}}
    action, document = form.document('1"\n', VECTOR)
    assert action == {"index": {"_index": "docs", "_id": '1"\n'}}
    assert document == {"v": {"a%2Eb": 700, "##c": 3}}
    query = form.query(VECTOR, 5)
    assert query["size"] == 5
    tokens = query["query"]["neural_sparse"]["v"]["query_tokens"]
    assert tokens["a%2Eb"] == 64.0  # the most that Lucene takes
    assert tokens["##c"] / tokens["a%2Eb"] == pytest.approx(3 / 700)
    light = form.query({"x": 1.5, "y": 64.0})
    assert light["query"]["neural_sparse"]["v"]["query_tokens"] == {"x": 1.5, "y": 64.0}


def test_elasticsearch() -> None:
    form = Form("elasticsearch", "docs")
    field = form.create()["mappings"]["properties"]["vector"]
    assert field == {"type": "sparse_vector", "index_options": {"prune": False}}
    assert form.query({"a.b": 700})["query"]["sparse_vector"] == {
        "field": "vector",
        "query_vector": {"a%2Eb": 700.0},
        "prune": False,
    }
    features = Form("elasticsearch", "docs", type="rank_features")
    assert features.create()["mappings"]["properties"]["vector"] == {"type": "rank_features"}
    clause = {"rank_feature": {"field": "vector.a%2Eb", "linear": {}, "boost": 700.0}}
    assert features.query({"a.b": 700})["query"] == {"bool": {"should": [clause]}}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("solr", "docs"), "engine: 'solr' is none of opensearch, elasticsearch"),
        (("opensearch", "docs", "v", "dense"), "type: 'dense' is none of"),
        (("opensearch", "docs", "v", "sparse_vector"), "approximately and by numbers"),
        (("opensearch", "Docs"), "no name for an index"),
        (("opensearch", "a b"), "no name for an index"),
        (("opensearch", "a/b"), "no name for an index"),
        (("opensearch", "_a"), "no name for an index"),
        (("opensearch", ""), "no name for an index"),
        (("opensearch", "é" * 128), "no name for an index"),
        (("opensearch", "docs", "a.b"), "field: 'a.b' is empty or holds a dot"),
        (("opensearch", "docs", ""), "field: '' is empty"),
    ],
)
def test_what_the_engines_would_refuse(arguments: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Form(*arguments)  # type: ignore[arg-type]


@given(st.integers(1, 2_000) | st.integers(1, 2**31 - 1))
def test_exact_weights_are_those_that_lucene_keeps(weight: int) -> None:
    """FeatureField drops the last 15 bits of a 32-bit float."""
    bits = struct.unpack(">I", struct.pack(">f", weight))[0]
    kept = struct.unpack(">f", struct.pack(">I", bits >> 15 << 15))[0]
    assert is_exact(weight) == (kept == weight)
    assert abs(kept - weight) <= 0.004 * weight
