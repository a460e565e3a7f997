"""The verb as users call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyper_ir.command import run
from hyper_ir.data.examples import read_examples
from hyper_ir.mine import main, runs_of_tasks
from tests.mining.files import write_corpus, write_kilt, write_run
from tests.mining.naive import Query, Text

TEXTS = [
    Text("A#0", "A", "opens page A"),
    Text("A#1", "A", "is in Paris"),
    Text("B#0", "B", "is in Paris too"),
    Text("C#0", "C", "is a negative"),
]
QUERIES = [
    Query("q1", [["A"]], ["Paris"], ["B#0", "A#0", "A#1", "C#0"]),
    Query("q2", [["A"]], ["Paris"], ["B#0"]),
    Query("q3", [], ["Paris"], ["B#0"]),
]

ARGUMENTS = ["--corpus", "corpus.jsonl", "--output", "out/train.jsonl", "--quiet"]
ONE = ["--tasks", "nq.jsonl", "--runs", "bm25.nq.trec", *ARGUMENTS]
BOTH = ["--tasks", "nq.jsonl", "fever=f.jsonl", "--runs", "bm25.{task}.trec", *ARGUMENTS]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_corpus(Path("corpus.jsonl"), TEXTS)
    labels = [
        Query(f"f{n}", [["A"]], [["SUPPORTS", "REFUTES"][n % 2]], ["B#0", "A#1"]) for n in range(24)
    ]
    for task, name, queries in (("nq", "nq.jsonl", QUERIES), ("fever", "f.jsonl", labels)):
        write_kilt(Path(name), queries)
        write_run(Path(f"bm25.{task}.trec"), queries)
    return tmp_path


def test_several_tasks_and_their_leak_report(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(BOTH)
    printed = capsys.readouterr()
    rows = [line.split() for line in printed.out.splitlines()]
    assert ["nq", "3", "1", "0", "2", "1.00", "0.500", "1", "2"] in rows
    assert ["nq", "words", "5", "1", "1", "2", "0", "1", "0.5", "0"] in rows
    assert ["fever", "labels", "48", "24", "0", "0", "0", "24", "1.0", "1"] in rows
    assert "26 examples: out/train.jsonl\nnext: python -m hyper_ir.train" in printed.out
    assert "fever: its answers are labels" in printed.err
    assert "nq: 1 query is left with too few negatives: q2" in printed.err
    examples = [example for _, example in read_examples("out/train.jsonl")]
    assert [each.task for each in examples] == ["nq"] * 2 + ["fever"] * 24
    assert examples[0].negative_ids == ("C#0",)
    value = json.loads(Path("out/train.leaks.json").read_text())
    assert list(value["tasks"]) == ["nq", "fever"]
    assert value["inputs"]["runs"]["nq"] == "bm25.nq.trec"
    assert value["tasks"]["nq"]["too_few"] == {"queries": 1, "first": ["q2"]}
    assert Path("out/train.jsonl.manifest").is_file()


def test_flags_reach_the_settings(folder: Path) -> None:
    flags = ["--keep-answers", "--keep-gold-pages", "--depth", "3", "--negatives", "2"]
    main([*BOTH, *flags, "--drop-short", "--max-queries", "1", "--seed", "3", "--report", "r.json"])
    value = json.loads(Path("r.json").read_text())
    settings = value["settings"]
    assert (settings["depth"], settings["negatives"], settings["seed"]) == (3, 2, 3)
    assert [task["sampled"] for task in value["tasks"].values()] == [1, 1]
    assert not value["tasks"]["nq"]["answer_filter"]
    with pytest.raises(ValueError, match="exists already"):
        main(BOTH)
    main([*BOTH, "--overwrite", "--ignore-answers", "paris"])
    leaks = json.loads(Path("out/train.leaks.json").read_text())["tasks"]["nq"]["dropped"]
    assert leaks["answer"] == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([*ONE, "--depth", "0"], "depth: at least 1"),
        ([*ONE, "--k1", "1"], "--k1 is for --index"),
        ([*ONE, "--threads", "2"], "--threads is for --index"),
        ([*ONE, "--words", "0"], "at least 1 word"),
        ([*ONE, "--output", "nq.jsonl"], "is an input"),
        ([*ONE, "--report", "out/train.jsonl"], "for two outputs"),
        ([*ONE, "--tasks", "none.jsonl"], "tasks: none.jsonl does not exist"),
        ([*ONE, "--tasks", "nq.jsonl", "x/nq.jsonl"], "x/nq.jsonl"),
        ([*ONE, "--tasks", "nq.jsonl", "nq=f.jsonl"], "task 'nq' is that of nq.jsonl already"),
        ([*ONE, "--tasks", "x/y=nq.jsonl"], 'name of a task may not hold "/"; write x-y=nq.jsonl'),
        ([*ONE, "--tasks", "x/y=ir_datasets:z"], 'may not hold "/"; write x-y=ir_datasets:z,'),
        ([*ONE, "--tasks", "x/y=none.jsonl"], "tasks: x/y=none.jsonl does not exist"),
        ([*ONE, "--tasks", "corpus.jsonl"], "no KILT task file"),
        ([*ONE, "--runs", "none.trec"], "run: none.trec does not exist"),
        ([*ONE, "--corpus", "none"], "corpus: none does not exist"),
        ([*BOTH, "--runs", "nq=bm25.nq.trec"], "no run for fever"),
    ],
)
def test_what_does_not_fit_is_refused(folder: Path, arguments: list[str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        main(arguments)
    assert not Path("out").exists()


def test_a_file_with_a_slash_and_an_equals_sign_is_a_task(folder: Path) -> None:
    Path("x").mkdir()
    Path("x/y=nq.jsonl").write_bytes(Path("nq.jsonl").read_bytes())
    main(["--tasks", "x/y=nq.jsonl", "--runs", "bm25.nq.trec", *ARGUMENTS])


def test_an_index_or_runs_and_not_both(folder: Path) -> None:
    for wrong in (["--index", "i", *ONE], ["--tasks", "nq.jsonl", *ARGUMENTS]):
        with pytest.raises(SystemExit) as ended:
            main(wrong)
        assert ended.value.code == 2


def test_bad_records_are_counted_and_listed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("bm25.nq.trec").open("a") as handle:
        handle.write("q1 Q0 C#0 nan\n")
    with pytest.raises(SystemExit) as ended:
        run(main, ONE, on_bad_input=True)
    assert ended.value.code == 2
    assert "error: bm25.nq.trec:7: no line of a run" in capsys.readouterr().err
    main([*ONE, "--on-bad-input", "skip"])
    assert "skipped 1 bad record" in capsys.readouterr().err


def test_the_runs_of_tasks() -> None:
    both = ["nq", "fever"]
    assert runs_of_tasks(["r/{task}.trec"], both) == {
        "nq": Path("r/nq.trec"),
        "fever": Path("r/fever.trec"),
    }
    assert runs_of_tasks(["fever=b", "nq=a"], both) == {"nq": Path("a"), "fever": Path("b")}
    assert runs_of_tasks(["a"], ["nq"]) == {"nq": Path("a")}
    for wrong, complaint in [
        (["a"], "no name is none of the tasks nq, fever"),
        (["nq=a", "wow=b"], "wow is none of the tasks"),
        (["nq=a", "nq=b"], "nq has the run a already"),
        (["nq=a"], "no run for fever"),
    ]:
        with pytest.raises(ValueError, match=complaint):
            runs_of_tasks(wrong, both)
