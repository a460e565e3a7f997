"""The real collections beside the project, by the figures that their makers measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.data import beir
from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.qrels import read_qrels
from hyper_ir.data.records import page_of
from hyper_ir.data.topics import read_topics
from hyper_ir.data.vectors import read_vectors
from hyper_ir.problems import Problems

pytestmark = pytest.mark.shared

# documents; and of each split: judged queries, judgments, relevant judgments
BEIR = {
    "nfcorpus": (
        3_633,
        {
            "train": (2_590, 110_575, 110_575),
            "dev": (324, 11_385, 11_385),
            "test": (323, 12_334, 12_334),
        },
    ),
    "arguana": (8_674, {"test": (1_406, 1_406, 1_406)}),
    "climate-fever-pool": (5_240, {"test": (1_061, 5_305, 2_745)}),
    "dbpedia-entity-5k": (5_000, {"test": (40, 3_709, 880)}),
    "perspectrum": (
        11_112,
        {"train": (541, 6_963, 6_963), "dev": (139, 2_070, 2_070), "test": (227, 2_772, 2_772)},
    ),
    "cranfield": (1_400, {"test": (225, 1_837, 1_612)}),
    "cisi": (1_460, {"test": (76, 3_114, 3_114)}),
    "scitldr": (
        3_229,
        {"train": (1_992, 1_992, 1_992), "dev": (619, 619, 619), "test": (618, 618, 618)},
    ),
}
# documents without any text, and judged documents that are not among the others
WITHOUT_TEXT = {"cranfield": 2}
LACKING = {"arguana": 5, "cranfield": 1}

# topics, and judgments over all evidence sets
KILT_DEV = {
    "fever": (1_000, 1_000),
    "aidayago2": (605, 605),
    "structured_zeroshot": (997, 1_003),
    "nq": (300, 300),
    "triviaqa": (1_000, 1_000),
    "hotpotqa": (300, 600),
    "wow": (1_000, 1_000),
}


@pytest.mark.parametrize("name", BEIR)
def test_a_beir_set_has_its_documents_queries_and_judgments(shared_data: Path, name: str) -> None:
    documents, splits = BEIR[name]
    folder = shared_data / "beir" / name
    problems = Problems("skip")
    ids = {passage.id for passage in open_corpus(str(folder), problems=problems)}
    assert len(ids) == documents - WITHOUT_TEXT.get(name, 0)
    assert problems.count == WITHOUT_TEXT.get(name, 0)
    topics = read_topics(folder)
    assert beir.splits(folder) == sorted(splits)
    judged: set[str] = set()
    for split, (queries, judgments, relevant) in splits.items():
        found = read_qrels(folder, split=split)
        judged |= {each.doc_id for each in found}
        assert len(found) == judgments
        assert sum(each.grade > 0 for each in found) == relevant
        assert len(beir.judged_topics(topics, found)) == queries
    assert len(judged - ids) == LACKING.get(name, 0)


@pytest.mark.parametrize("task", KILT_DEV)
def test_a_kilt_task_has_its_topics_and_judgments(shared_data: Path, task: str) -> None:
    path = shared_data / "mini-kilt" / f"{task}-dev-kilt.jsonl.gz"
    topics, judgments = read_topics(path), read_qrels(path)
    assert (len(topics), len(judgments)) == KILT_DEV[task]
    assert {each.topic_id for each in judgments} == {topic.id for topic in topics}
    if task == "aidayago2":
        assert all("[START_ENT] " in topic.text and " [END_ENT]" in topic.text for topic in topics)
    if task == "wow":
        assert sum("\n" in topic.text for topic in topics) == 976


@pytest.mark.parametrize(("by", "passages"), [("words", 72_109), ("paragraph", 68_107)])
def test_the_knowledge_source_has_its_pages_and_paragraphs(
    shared_data: Path, by: str, passages: int
) -> None:
    source = str(shared_data / "mini-kilt" / "knowledgesource.jsonl.gz")
    pages: set[str] = set()
    count = 0
    for passage in open_corpus(source, by=by):  # type: ignore[arg-type]
        pages.add(page_of(passage.id))
        count += 1
    assert (len(pages), count) == (41_883, passages)
    if by == "words":
        for task in KILT_DEV:
            path = shared_data / "mini-kilt" / f"{task}-dev-kilt.jsonl.gz"
            assert {judgment.doc_id for judgment in read_qrels(path)} <= pages


def test_published_vectors_pass_unchanged(shared_data: Path) -> None:
    folder = shared_data / "oracles" / "splade-v3-nfcorpus"
    assert sum(1 for _ in read_vectors(folder / "docvectors.jsonl.gz")) == 3_633
    assert len(read_topics(folder / "queries.tsv.gz")) == 323
