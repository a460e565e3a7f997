from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.data import beir
from hyper_ir.data.records import Judgment, Topic


def test_the_splits_are_those_with_judgments(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    for name in ("train.tsv", "dev.tsv.gz", "README.md"):
        (tmp_path / "qrels" / name).write_text("")
    assert beir.splits(tmp_path) == ["dev", "train"]
    assert beir.qrels_file(tmp_path, "dev").name == "dev.tsv.gz"


def test_a_folder_without_queries_is_no_beir_folder(tmp_path: Path) -> None:
    assert not beir.is_beir(tmp_path)
    with pytest.raises(ValueError, match=r"has no queries.jsonl"):
        beir.queries_file(tmp_path)
    (tmp_path / "queries.jsonl.gz").write_text("")
    assert beir.is_beir(tmp_path)
    assert not beir.is_beir(tmp_path / "queries.jsonl.gz")


def test_judged_topics_keep_their_order() -> None:
    topics = [Topic("3", "c"), Topic("1", "a"), Topic("2", "b")]
    judgments = [Judgment("1", "0", "d", 0), Judgment("3", "0", "d", 1), Judgment("9", "0", "d", 1)]
    assert beir.judged_topics(topics, judgments) == [Topic("3", "c"), Topic("1", "a")]
