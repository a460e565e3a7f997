"""What mining does with a small corpus, writes, tells, and refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.examples import TrainingExample, read_examples
from hyper_ir.manifest import read_manifest
from hyper_ir.mining import evidence
from hyper_ir.mining.first_stage import FromRuns
from hyper_ir.mining.pipeline import MiningReport, mine
from hyper_ir.mining.selection import MiningSettings
from hyper_ir.problems import Problems
from tests.mining.files import (
    kilt_record,
    write_corpus,
    write_jsonl,
    write_kilt,
    write_run,
)
from tests.mining.naive import Query, Text

LONG = "one two three four five six seven eight nine ten"

TEXTS = [
    Text("A#0", "A", "opens page A"),
    Text("A#1", "A", f"{LONG} Paris"),
    Text("B#0", "B", "is in paris, too"),
    Text("C#0", "C", f"{LONG.upper()} PARIS"),
    Text("D#0", "Paris", "has the answer as its title"),
    Text("E#0", "E", "is a good negative"),
    Text("F#0", "F", "is another"),
]
QUERY = Query("q", [["A"]], ["Paris", "no"], ["F#0", "C#0", "B#0", "A#0", "A#1", "D#0", "E#0"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_kilt(tmp_path / "t.jsonl", [QUERY])
    write_corpus(tmp_path / "corpus.jsonl", TEXTS)
    write_run(tmp_path / "run.trec", [QUERY])
    return tmp_path


def mined(
    folder: Path, options: MiningSettings | None = None, overwrite: bool = False
) -> tuple[list[TrainingExample], MiningReport]:
    report = mine(
        {"t": str(folder / "t.jsonl")},
        open_corpus(str(folder / "corpus.jsonl")),
        FromRuns({"t": folder / "run.trec"}),
        folder / "out.jsonl",
        folder / "out.json",
        options,
        overwrite=overwrite,
        progress=False,
    )
    return [example for _, example in read_examples(folder / "out.jsonl")], report


def test_an_example_its_report_and_its_manifest(folder: Path) -> None:
    examples, report = mined(folder)
    assert examples == [TrainingExample("q", "text of q", "t", ("A#1",), ("F#0", "E#0"))]
    task = json.loads((folder / "out.json").read_text())["tasks"]["t"]
    assert task["dropped"] == {
        "not in the corpus": 0,
        "gold document": 1,
        "gold page": 1,
        "answer": 3,
        "copy": 0,
    }
    assert task["kept"] == {"all": 2, "mean": 2.0, "fewest": 2}
    assert task["positives"]["best_is"] == {"answer found": 1}
    manifest = read_manifest(folder / "out.jsonl")
    assert manifest is not None
    assert manifest.kind == "examples"
    assert manifest.counts == {
        "examples": 1,
        "negatives": 2,
        "skipped": 0,
        "examples of t": 1,
    }
    assert manifest.inputs["corpus"]["files"][0]["name"] == "corpus.jsonl"
    assert report.all_notes() == []


def test_filters_can_be_switched_off(folder: Path) -> None:
    (example,), report = mined(folder, MiningSettings(keep_answers=True))
    assert example.positive_ids == ("A#1",)
    assert example.negative_ids == ("F#0", "B#0", "D#0", "E#0")  # C#0 is A#1 under another title
    assert report.tasks[0].dropped["copy"] == 1
    (example,), _ = mined(folder, MiningSettings(keep_gold_pages=True), overwrite=True)
    assert example.negative_ids == ("F#0", "A#0", "E#0")
    (example,), _ = mined(folder, MiningSettings(depth=2, negatives=1), overwrite=True)
    assert (example.positive_ids, example.negative_ids) == (("A#1",), ("F#0",))


def test_queries_with_too_few_negatives(folder: Path) -> None:
    other = Query("r", [["A"]], ["Paris"], ["B#0"])
    write_kilt(folder / "t.jsonl", [QUERY, other])
    write_run(folder / "run.trec", [QUERY, other])
    examples, report = mined(folder)
    assert [example.id for example in examples] == ["q", "r"]
    assert "t: 1 query is left with too few negatives: r" in report.all_notes()
    examples, report = mined(folder, MiningSettings(drop_short=True), overwrite=True)
    assert [example.id for example in examples] == ["q"]
    assert (report.tasks[0].mined, report.tasks[0].written) == (2, 1)


def test_missing_gold_and_missing_candidates_are_told(folder: Path) -> None:
    other = Query("r", [["gone"]], [], ["E#0"])
    partly = Query("s", [["E", "lost"]], [], ["E#0", "F#0", "strange"])
    write_kilt(folder / "t.jsonl", [QUERY, other, partly])
    write_run(folder / "run.trec", [QUERY, other, partly])
    examples, report = mined(folder)
    assert [example.id for example in examples] == ["q", "s"]
    assert report.all_notes() == [
        "t: 2 of 4 judged ids are not in the corpus: gone, lost",
        "t: 1 query has no positive in the corpus",
        "t: 1 candidate is not in the corpus: was another corpus searched?",
    ]


def test_pages_that_name_the_linked_entity_are_good_negatives(folder: Path) -> None:
    records = [kilt_record(f"q{n}", [["A"]], [f"A {n}" if n else "E"]) for n in range(25)]
    for n, record in enumerate(records):
        record["output"][1]["provenance"][0]["title"] = f"a  {n}" if n else "e"
    write_jsonl(folder / "t.jsonl", records)
    write_run(folder / "run.trec", [Query("q0", [], [], ["E#0", "A#1"])])
    examples, report = mined(folder, MiningSettings(min_negatives=0))
    assert "t: its answers are the titles of the gold pages: no answer filter" in report.all_notes()
    assert examples[0] == TrainingExample("q0", "text of q0", "t", ("A#1",), ("E#0",))
    assert examples[1].positive_ids == ("A#0",)


def test_contents_and_fields_give_the_same(folder: Path) -> None:
    (example,), first = mined(folder, MiningSettings(keep_answers=True))
    contents = ({"id": t.id, "contents": f"{t.title}\n{t.text}"} for t in TEXTS)
    write_jsonl(folder / "corpus.jsonl", contents)
    (other,), second = mined(folder, MiningSettings(keep_answers=True), overwrite=True)
    assert other == example
    assert second.tasks == first.tasks
    assert first.tasks[0].dropped["copy"] == 1


def test_named_paragraphs_of_a_knowledge_source(tmp_path: Path) -> None:
    page = {"_id": "7", "wikipedia_id": "7", "wikipedia_title": "T"}
    paragraphs = ["T\n", "the first\n", "Section::::Name\n", "third says Paris\n", "the last\n"]
    write_jsonl(tmp_path / "corpus.jsonl", [page | {"text": paragraphs}])
    record = kilt_record("q", [["7"]], ["Paris"])
    record["output"][1]["provenance"][0].update(start_paragraph_id=4, end_paragraph_id=4)
    task = write_jsonl(tmp_path / "t.jsonl", [record])
    run = write_run(tmp_path / "run.trec", [Query("q", [], [], ["7#3"])])
    for by, expected in (("paragraph", "7#4"), ("words", "7#0")):
        write_run(run, [Query("q", [], [], ["7#3" if by == "paragraph" else "7#0"])])
        corpus = open_corpus(str(tmp_path / "corpus.jsonl"), by=by)  # type: ignore[arg-type]
        output = tmp_path / f"{by}.jsonl"
        search = FromRuns({"t": run})
        mine({"t": str(task)}, corpus, search, output, f"{output}.leaks", progress=False)
        ((_, example),) = read_examples(output)
        assert example.positive_ids == (expected,)


def test_a_query_that_is_a_document(folder: Path) -> None:
    query = Query("F#0", [["A"]], [], ["F#0", "E#0", "B#0"])
    write_kilt(folder / "t.jsonl", [query])
    write_run(folder / "run.trec", [query])
    (example,), _ = mined(folder, MiningSettings(remove_query=True, depth=1))
    assert example.negative_ids == ("E#0",)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"depth": 0}, "depth: at least 1"),
        ({"positives": 0}, "positives: at least 1"),
        ({"max_queries": 0}, "max-queries: at least 1"),
        ({"min_negatives": 101}, "min-negatives: 101 is not between 0 and .* 100"),
        ({"min_negatives": 6, "depth": 5}, "6 is not between 0 and .* 5"),
        ({"min_negatives": -1}, "-1 is not between"),
    ],
)
def test_bad_settings(options: dict[str, int], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        MiningSettings(**options)  # type: ignore[arg-type]


def test_what_cannot_be_mined_leaves_nothing_behind(folder: Path) -> None:
    before = sorted(folder.iterdir())
    write_run(folder / "run.trec", [Query("other", [], [], ["E#0"])])
    with pytest.raises(ValueError, match="none of its topics is a query of t, which has q"):
        mined(folder)
    write_run(folder / "run.trec", [Query("q", [], [], ["A", "B"])])
    with pytest.raises(ValueError, match=r"has none of the 2 documents .* pages instead of pass"):
        mined(folder)
    write_run(folder / "run.trec", [QUERY])
    (folder / "corpus.jsonl").write_text((folder / "corpus.jsonl").read_text() + "broken\n")
    with pytest.raises(ValueError, match=r"corpus\.jsonl:8: not a JSON object"):
        mined(folder)
    assert sorted(folder.iterdir()) == before


def test_an_interrupt_leaves_the_old_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mined(folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}

    def interrupted(self: object, count: int) -> Iterator[object]:
        yield []
        raise KeyboardInterrupt

    monkeypatch.setattr(evidence.Evidence, "gold_of_all", interrupted)
    write_kilt(folder / "t.jsonl", [QUERY, Query("r", [["A"]], [], [])])
    before[folder / "t.jsonl"] = (folder / "t.jsonl").read_bytes()
    with pytest.raises(KeyboardInterrupt):
        mined(folder, overwrite=True)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_outputs_that_cannot_be_are_refused_before_reading(folder: Path) -> None:
    (folder / "t.jsonl").write_text("not read")
    for output, report, complaint in [
        ("t.jsonl", "r.json", "is an input"),
        ("run.trec", "r.json", "is an input"),
        ("corpus.jsonl", "r.json", "is an input"),
        ("o.jsonl", "o.jsonl", "for two outputs"),
        ("old", "r.json", "exists already"),
        (".", "r.json", "is a folder"),
        ("t.jsonl/o.jsonl", "r.json", "cannot be written"),
    ]:
        (folder / "old").write_text("")
        with pytest.raises(ValueError, match=complaint):
            mine(
                {"t": str(folder / "t.jsonl")},
                open_corpus(str(folder / "corpus.jsonl")),
                FromRuns({"t": folder / "run.trec"}),
                folder / output,
                folder / report,
                progress=False,
            )


def test_bad_records_of_all_inputs_are_skipped_together(folder: Path) -> None:
    for name in ("t.jsonl", "corpus.jsonl", "run.trec"):
        (folder / name).write_text((folder / name).read_text() + "broken\n")
    problems = Problems("skip")
    corpus = open_corpus(str(folder / "corpus.jsonl"), problems=problems)
    tasks, search = {"t": str(folder / "t.jsonl")}, FromRuns({"t": folder / "run.trec"})
    output = folder / "out.jsonl"
    mine(tasks, corpus, search, output, folder / "r", problems=problems, progress=False)
    assert problems.count == 3
    manifest = read_manifest(output)
    assert manifest is not None
    assert manifest.counts["skipped"] == 3
