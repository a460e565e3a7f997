"""Mining from a Lucene index."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.examples import read_examples
from hyper_ir.lucene import pyserini_api
from hyper_ir.lucene.indexing import build_bm25_index
from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.mining.first_stage import FromIndex, FromRuns
from hyper_ir.mining.pipeline import MiningReport, mine
from hyper_ir.mining.selection import MiningSettings
from hyper_ir.search.pipeline import Depth
from hyper_ir.search.to_run import Job, bm25_run
from tests.java_here import java_or_skip
from tests.mining.files import kilt_record, write_corpus, write_jsonl
from tests.mining.naive import Text

TASKS = ("one", "two")
SIZE = 25  # queries of a task

TEXTS = [
    *(Text(f"{page}#{n}", page, f"{page} text {n}") for page in ("red", "blue") for n in range(3)),
    Text("red#3", "red", "red text by Rosa Parks"),
    Text("grey#0", "grey", "grey text of a red book by Rosa Parks"),
    Text("green#0", "green", "green text"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus, its index and two tasks."""
    java_or_skip()
    folder = tmp_path_factory.mktemp("mine")
    corpus = write_corpus(folder / "corpus.jsonl", TEXTS)
    build_bm25_index(open_corpus(str(corpus)), folder / "bm25", progress=False)
    for task in TASKS:
        answers = [[f"no{n}", "Rosa parks"] for n in range(SIZE)]
        records = [kilt_record(f"{task}{n}", [["red"]], each) for n, each in enumerate(answers)]
        for record in records:
            record["input"] = f"who wrote the red text {task}"
        write_jsonl(folder / f"{task}.jsonl", records)
    return folder


def mined(
    folder: Path, search: FromIndex | FromRuns, output: Path, settings: MiningSettings | None = None
) -> MiningReport:
    return mine(
        {task: str(folder / f"{task}.jsonl") for task in TASKS},
        open_corpus(str(folder / "corpus.jsonl")),
        search,
        output,
        output.with_suffix(".leaks.json"),
        settings,
        progress=False,
    )


@pytest.mark.jvm
def test_what_bm25_finds_is_filtered(folder: Path, tmp_path: Path) -> None:
    report = mined(folder, FromIndex(str(folder / "bm25")), tmp_path / "out.jsonl")
    examples = [example for _, example in read_examples(tmp_path / "out.jsonl")]
    assert [example.id for example in examples] == [f"{t}{n}" for t in TASKS for n in range(SIZE)]
    assert {example.positive_ids for example in examples} == {("red#3",)}
    assert {tuple(sorted(example.negative_ids)) for example in examples} == {
        ("blue#0", "blue#1", "blue#2", "green#0")
    }
    assert report.notes == []
    for task in report.tasks:
        assert task.candidates == SIZE * len(TEXTS)
        assert task.dropped == {
            "gold document": SIZE,
            "gold page": SIZE * 3,
            "answer": SIZE,
        }


@pytest.mark.jvm
def test_threads_and_a_run_of_the_same_search_change_nothing(folder: Path, tmp_path: Path) -> None:
    index = str(folder / "bm25")
    mined(folder, FromIndex(index, threads=1), tmp_path / "one.jsonl")
    mined(folder, FromIndex(index, threads=4), tmp_path / "four.jsonl")
    runs = {task: tmp_path / f"{task}.trec" for task in TASKS}
    for task, run in runs.items():
        topics = str(folder / f"{task}.jsonl")
        bm25_run(Job(index, topics, str(run), Depth(hits=100)), progress=False)
    mined(folder, FromRuns(runs), tmp_path / "runs.jsonl")
    expected = (tmp_path / "one.jsonl").read_bytes()
    assert (tmp_path / "four.jsonl").read_bytes() == expected
    assert (tmp_path / "runs.jsonl").read_bytes() == expected
    leaks = [(tmp_path / f"{name}.leaks.json").read_bytes() for name in ("one", "four")]
    assert leaks[0] == leaks[1]


@pytest.mark.jvm
def test_another_corpus_than_the_indexs(folder: Path, tmp_path: Path) -> None:
    shorter = write_corpus(tmp_path / "corpus.jsonl", TEXTS[:-1])
    output = tmp_path / "out.jsonl"
    search = FromIndex(str(folder / "bm25"))
    sources = {"one": str(folder / "one.jsonl")}
    corpus = open_corpus(str(shorter), fields=["text"])
    with pytest.raises(ValueError, match="fields None there and text here"):
        mine(sources, corpus, search, output, tmp_path / "r", progress=False)
    report = mine(
        sources, open_corpus(str(shorter)), search, output, tmp_path / "r", progress=False
    )
    first, second, third = report.all_notes()
    assert "whose files are not those of" in first
    assert second == "the index has 9 documents, the corpus 8"
    assert third == "one: 25 candidates are not in the corpus: was another corpus searched?"


@pytest.mark.jvm
def test_no_index_and_no_threads_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"index: .* does not exist"):
        mined(folder, FromIndex(str(tmp_path / "none")), tmp_path / "out.jsonl")
    with pytest.raises(ValueError, match="threads: at least 1"):
        mined(folder, FromIndex(str(folder / "bm25"), threads=0), tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == []


def no_java() -> None:
    pytest.fail("Java was started")


def index_of(folder: Path) -> FromIndex:
    """What looks like an index as long as Lucene does not open it."""
    index = folder / "index"
    index.mkdir()
    (index / "segments_1").write_bytes(b"")
    return FromIndex(str(index))


def test_tasks_and_index_are_checked_before_java_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pyserini_api, "load", no_java)
    write_corpus(tmp_path / "corpus.jsonl", TEXTS)
    for task in TASKS:
        write_jsonl(tmp_path / f"{task}.jsonl", [kilt_record("q", [["red"]], ["x"])])
    broken = tmp_path / "two.jsonl"
    broken.write_text(broken.read_text() + "broken\n")
    search, output = index_of(tmp_path), tmp_path / "out.jsonl"
    with pytest.raises(ValueError, match=r"two\.jsonl:2: not a JSON object"):
        mined(tmp_path, search, output)
    write_manifest(tmp_path / "index", Manifest("index", config={"impact": True}))
    with pytest.raises(ValueError, match="mining needs a BM25 index"):
        mined(tmp_path, search, output)
    assert not output.exists()
