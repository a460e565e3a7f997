"""Leaks that real collections have."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.examples import read_examples
from hyper_ir.data.kilt_tasks import read_kilt_task
from hyper_ir.data.qrels import read_qrels
from hyper_ir.data.records import page_of
from hyper_ir.index import main as index
from hyper_ir.mining.first_stage import FromIndex
from hyper_ir.mining.pipeline import mine
from hyper_ir.mining.report import TaskReport
from hyper_ir.mining.selection import MiningSettings
from tests.java_here import java_or_skip
from tests.mining.naive import has_answer

pytestmark = [pytest.mark.shared, pytest.mark.jvm]


def mined(
    source: Path, corpus: Path, folder: Path, settings: MiningSettings | None = None
) -> TaskReport:
    java_or_skip()
    index(["--input", str(corpus), "--index", str(folder / "bm25"), "--quiet"])
    report = mine(
        {"t": str(source)},
        open_corpus(str(corpus)),
        FromIndex(str(folder / "bm25")),
        folder / "examples.jsonl",
        folder / "leaks.json",
        settings,
        progress=False,
    )
    assert report.notes == []
    return report.tasks[0]


def test_no_judged_document_is_a_negative_of_nfcorpus(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "beir" / "nfcorpus"
    report = mined(folder, folder, tmp_path, MiningSettings(max_queries=200))
    relevant: dict[str, set[str]] = {}
    for judgment in read_qrels(folder, split="train"):
        relevant.setdefault(judgment.topic_id, set()).add(judgment.doc_id)
    examples = [example for _, example in read_examples(tmp_path / "examples.jsonl")]
    assert len(examples) == report.written == 200
    for example in examples:
        assert set(example.positive_ids) <= relevant[example.id]
        assert len(example.positive_ids) == min(len(relevant[example.id]), 5)
        assert not relevant[example.id] & set(example.negative_ids)
    assert report.gold_missing == 0
    assert report.dropped["gold document"] > 500


@pytest.mark.slow
def test_no_gold_page_and_no_answer_is_a_negative_of_nq(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "mini-kilt"
    source, corpus = folder / "nq-dev-kilt.jsonl.gz", folder / "knowledgesource.jsonl.gz"
    report = mined(source, corpus, tmp_path)
    assert (report.mined, report.candidates, report.too_few) == (300, 30_000, 0)
    records = {record.id: record for record in read_kilt_task(source)}
    examples = [example for _, example in read_examples(tmp_path / "examples.jsonl")]
    kept = {id for each in examples for id in (*each.positive_ids, *each.negative_ids)}
    texts = {each.id: each.contents for each in open_corpus(str(corpus)) if each.id in kept}
    answering = 0
    for example in examples:
        record = records[example.id]
        gold = {page for pages in record.evidence for page in pages}
        assert {page_of(id) for id in example.positive_ids} <= gold
        assert not {page_of(id) for id in example.negative_ids} & gold
        answering += has_answer(texts[example.positive_ids[0]], record.answers)
        for id in example.negative_ids[::20]:
            assert not has_answer(texts[id], record.answers)
    assert answering == 300
