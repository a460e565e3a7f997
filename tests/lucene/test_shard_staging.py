from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from hyper_ir.data.records import Passage
from hyper_ir.lucene.shard_staging import MOST_FILES, deal_passages, deal_vectors
from hyper_ir.lucene.shards import shard_names, shard_of

VECTORS = {f"d{number}": {"all": 1, f"t{number % 7}": number + 1} for number in range(60)}


def records(folder: Path) -> dict[str, dict[str, object]]:
    lines = [
        json.loads(line)
        for path in sorted(folder.rglob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").split("\n")
        if line
    ]
    return {line["id"]: line for line in lines}


def test_every_vector_lies_in_its_shard_and_is_counted(tmp_path: Path) -> None:
    dealt = deal_vectors(VECTORS.items(), tmp_path, 4, 3)
    for number, name in enumerate(shard_names(4)):
        found = records(tmp_path / name)
        assert set(found) == {id for id in VECTORS if shard_of(id, 4) == number}
        assert len(found) == dealt.documents[number]
        assert all(record["vector"] == VECTORS[id] for id, record in found.items())
    assert dealt.frequencies == Counter(token for vector in VECTORS.values() for token in vector)
    statistics = dealt.statistics()
    assert (statistics.documents, statistics.counts["all"]) == (60, 60)


def test_a_collection_is_known_by_its_documents(tmp_path: Path) -> None:
    def collection(vectors: dict[str, dict[str, int]], shards: int) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        return deal_vectors(vectors.items(), folder, shards, 1).collection

    first = collection(VECTORS, 3)
    assert first == collection(VECTORS, 3)
    others = [
        collection(VECTORS, 2),
        collection(VECTORS | {"d3": {"all": 2}}, 3),
        collection({f"x{id}": vector for id, vector in VECTORS.items()}, 3),
    ]
    assert len({first, *others}) == 4


def test_passages_and_the_number_of_files(tmp_path: Path) -> None:
    texts = [Passage(f"p{number}", {"text": f"é \u2028 {number}"}) for number in range(50)]
    dealt = deal_passages(texts, tmp_path, 2, 5, None, progress=False)
    assert sum(dealt.documents) == 50
    assert not dealt.frequencies
    assert len(list(tmp_path.rglob("*.jsonl"))) == 10
    assert records(tmp_path)["p7"]["contents"] == "é \u2028 7"
    deal_vectors(VECTORS.items(), tmp_path / "many", 2, 10_000)
    assert len(list((tmp_path / "many").rglob("*.jsonl"))) == MOST_FILES


def test_too_many_shards_and_no_documents(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"shards: 900 for 60 documents leave shard \d+ .* empty"):
        deal_vectors(VECTORS.items(), tmp_path / "a", 900, 1)
    with pytest.raises(ValueError, match="the collection holds no document"):
        deal_vectors([], tmp_path / "b", 2, 1)
