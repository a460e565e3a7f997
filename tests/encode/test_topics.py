from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from hyper_ir.data.records import Topic
from hyper_ir.data.vectors import EMPTY_QUERY
from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.impacts import Quantiser
from hyper_ir.encode.topics import encode_topics
from hyper_ir.manifest import read_manifest
from hyper_ir.models.retriever import Retriever
from tests.tiny_models import TEXTS, save_checkpoint

TOPICS = [Topic("1", TEXTS[0]), Topic("two", TEXTS[4])]


def engine(folder: Path, factor: float = 100.0, masked_lm: bool = True) -> Engine:
    checkpoint = save_checkpoint(folder / f"model{masked_lm}", masked_lm=masked_lm)
    config = EngineConfig(max_length=32, device="cpu")
    return Engine(Retriever.from_pretrained(checkpoint), "query", config, Quantiser(factor))


def test_tsv_repeats_each_token_by_its_impact(tmp_path: Path) -> None:
    working = engine(tmp_path)
    written = encode_topics(working, TOPICS, tmp_path / "t.tsv", progress=False)
    expected = working.encode([topic.text for topic in TOPICS])
    for line, topic, vector in zip(
        (tmp_path / "t.tsv").read_text().splitlines(), TOPICS, expected, strict=True
    ):
        qid, tokens = line.split("\t")
        counted = {token: tokens.split().count(token) for token in tokens.split()}
        assert (qid, counted) == (topic.id, vector)
    assert read_manifest(tmp_path / "t.tsv") == written.manifest
    assert not written.over_limit


def test_jsonl_holds_text_and_vector(tmp_path: Path) -> None:
    working = engine(tmp_path)
    encode_topics(working, TOPICS, tmp_path / "t.jsonl", progress=False)
    records = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert [record["contents"] for record in records] == [topic.text for topic in TOPICS]
    assert [record["vector"] for record in records] == working.encode([t.text for t in TOPICS])


def test_a_topic_without_terms_gets_a_placeholder_that_matches_nothing(tmp_path: Path) -> None:
    encode_topics(engine(tmp_path, factor=1e-6), TOPICS, tmp_path / "t.tsv", progress=False)
    assert (tmp_path / "t.tsv").read_text() == f"1\t{EMPTY_QUERY}\ntwo\t{EMPTY_QUERY}\n"


def test_topics_over_stock_lucenes_limit_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyper_ir.encode.topics.CLAUSE_LIMIT", 3)
    written = encode_topics(engine(tmp_path), TOPICS, tmp_path / "t.tsv", progress=False)
    assert written.over_limit == ["1", "two"]


def test_dense_topics_go_to_pyserinis_data_frame(tmp_path: Path) -> None:
    working = engine(tmp_path, masked_lm=False)
    encode_topics(working, TOPICS, tmp_path / "t.pkl", progress=False)
    frame = pd.read_pickle(tmp_path / "t.pkl")
    assert list(frame.columns) == ["id", "text", "embedding"]
    assert frame["embedding"][0].shape == (32,)


@pytest.mark.parametrize(("name", "lexical"), [("t.trec", True), ("t.pkl", True), ("t.tsv", False)])
def test_endings_that_do_not_fit_are_refused(tmp_path: Path, name: str, lexical: bool) -> None:
    with pytest.raises(ValueError, match="output"):
        encode_topics(engine(tmp_path, masked_lm=lexical), TOPICS, tmp_path / name, progress=False)
