from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from hyper_ir.evaluation.inputs import TaskFiles, score_files, task_files
from hyper_ir.evaluation.measures import parse_measures
from hyper_ir.problems import Problems

P1 = parse_measures(["P@1"])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for task in ("nq", "fever.dev"):
        (tmp_path / f"{task}.qrels").write_text("q 0 a 1\n")
        (tmp_path / f"bm25.{task}.trec").write_text("q Q0 a 1 2.0 bm25\n")
        (tmp_path / f"ours.{task}.trec").write_text("q Q0 x 1 2.0 splade\n")
    return tmp_path


def test_one_task_and_runs_named_by_their_tags(folder: Path) -> None:
    files = {"bm25": Path("bm25.nq.trec"), "splade": Path("ours.nq.trec")}
    expected = [TaskFiles("nq", "nq.qrels", files)]
    assert task_files(["nq.qrels"], ["bm25.nq.trec", "ours.nq.trec"]) == expected
    assert task_files(["nq.qrels"], ["bm25.{task}.trec", "ours.{task}.trec"]) == expected


def test_several_tasks_and_given_names(folder: Path) -> None:
    tasks = task_files(["nq.qrels", "fever.dev.qrels"], ["a=bm25.{task}.trec", "ours.{task}.trec"])
    assert [task.name for task in tasks] == ["nq", "fever.dev"]
    files = {"a": Path("bm25.fever.dev.trec"), "splade": Path("ours.fever.dev.trec")}
    assert tasks[1].runs == files
    (task,) = task_files(["nq=fever.dev.qrels"], ["bm25.{task}.trec"])
    assert task == TaskFiles("nq", "fever.dev.qrels", {"bm25": Path("bm25.nq.trec")})


def test_tags_with_their_tasks_name_give_one_name(folder: Path) -> None:
    """By default a run's tag is its file's stem: x.nq.1 for one task, x.fever.dev.1 for another."""
    for task in ("nq", "fever.dev"):
        (folder / f"x.{task}.1.trec").write_text(f"q Q0 a 1 2.0 x.{task}.1\n")
        (folder / f"{task}.trec").write_text(f"q Q0 a 1 2.0 {task}\n")
    runs = ["x.{task}.1.trec", "{task}.trec", "bm25.{task}.trec"]
    for files in task_files(["nq.qrels", "fever.dev.qrels"], runs):
        assert list(files.runs) == ["x.1", "nq", "bm25"]
    (folder / "x.nq.1.trec").write_text("q Q0 a 1 2.0 own\n")
    tasks = task_files(["nq.qrels", "fever.dev.qrels"], ["x.{task}.1.trec"])
    assert list(tasks[1].runs) == ["own"]


def test_names_of_tasks_come_from_files_folders_and_data_sets(folder: Path) -> None:
    (folder / "nfcorpus").mkdir()
    (folder / "dev-kilt.jsonl.gz").write_bytes(gzip.compress(b"{}\n"))
    sources = ["nfcorpus/", "dev-kilt.jsonl.gz", "ir_datasets:beir/scifact/test"]
    for name in ("nfcorpus", "dev-kilt", "test"):
        (folder / f"{name}.trec").write_text("q Q0 a 1 2.0 t\n")
    assert [task.name for task in task_files(sources, ["{task}.trec"])] == [
        "nfcorpus",
        "dev-kilt",
        "test",
    ]


def test_equals_sign_of_an_existing_path_is_no_name(folder: Path) -> None:
    (folder / "k=v.trec").write_text("q Q0 a 1 2.0 tag\n")
    (folder / "p=1").mkdir()
    (folder / "p=1" / "nq.trec").write_text("q Q0 a 1 2.0 other\n")
    (task,) = task_files(["nq.qrels"], ["k=v.trec", "./p=1/{task}.trec"])
    assert task.runs == {"tag": Path("k=v.trec"), "other": Path("p=1/nq.trec")}


@pytest.mark.parametrize(
    ("qrels", "runs", "complaint"),
    [
        ([], ["bm25.nq.trec"], "at least one qrels file and one run"),
        (["nq.qrels"], [], "at least one qrels file and one run"),
        (["none.qrels"], ["bm25.nq.trec"], "qrels: none.qrels does not exist"),
        (["nq.qrels"], ["none.trec"], "run: none.trec does not exist"),
        (["nq.qrels", "nq.qrels"], ["bm25.nq.trec"], "task 'nq' is that of nq.qrels already"),
        (["nq.qrels", "fever.dev.qrels"], ["bm25.nq.trec"], r"write \{task\} where"),
        (["nq.qrels"], ["bm25.nq.trec"] * 2, r"bm25\.nq\.trec:1: run 'bm25' has the same name as"),
        (["nq.qrels"], ["a=bm25.nq.trec", "a=ours.nq.trec"], "run 'a' has the same name"),
        (["a b=nq.qrels"], ["bm25.nq.trec"], "'a b' cannot be a name"),
        (["average=nq.qrels"], ["bm25.nq.trec"], "'average' cannot be a name"),
        (["nq.qrels"], ["a="], "no file after the ="),
        (["nq.qrels"], ["nq.qrels"], "nq.qrels:1: 4 columns where a run has six"),
        (["nq.qrels"], ["."], "is a folder"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(
    folder: Path, qrels: list[str], runs: list[str], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        task_files(qrels, runs)


def test_every_run_of_every_task_is_scored(folder: Path) -> None:
    tasks = task_files(["nq.qrels", "fever.dev.qrels"], ["bm25.{task}.trec", "ours.{task}.trec"])
    scores = score_files(tasks, P1)
    assert (scores.tasks, scores.runs) == (["nq", "fever.dev"], ["bm25", "splade"])
    assert [scores.average(run, "P@1") for run in scores.runs] == [1.0, 0.0]


def test_pages_and_the_query_itself(folder: Path) -> None:
    (folder / "p.trec").write_text("q Q0 q#2 1 3.0 t\nq Q0 a#1 2 2.0 t\nq Q0 b#1 3 1.0 t\n")
    tasks = task_files(["nq.qrels"], ["p.trec"])
    values = [
        score_files(tasks, P1, pages=pages, remove_query=remove).overall("nq", "t", "P@1")
        for pages in (False, True)
        for remove in (False, True)
    ]
    assert values == [0.0, 0.0, 0.0, 1.0]


def test_run_of_other_topics_names_the_file(folder: Path) -> None:
    (folder / "other.trec").write_text("z Q0 a 1 1.0 t\n")
    with pytest.raises(ValueError, match=r"^other\.trec: run t: none of its topics \(1\)"):
        score_files(task_files(["nq.qrels"], ["other.trec"]), P1)


def test_bad_lines_stop_or_are_counted(folder: Path) -> None:
    (folder / "bad.trec").write_text("q Q0 a 1 1.0 t\nq Q0 b 2 nan t\n")
    (folder / "bad.qrels").write_text("q 0 a 1\nq 0 b\n")
    with pytest.raises(ValueError, match=r"bad\.trec:2: score 'nan'"):
        score_files(task_files(["nq.qrels"], ["bad.trec"]), P1)
    with pytest.raises(ValueError, match=r"bad\.qrels:2"):
        score_files(task_files(["bad.qrels"], ["bm25.nq.trec"]), P1)
    problems = Problems("skip")
    scores = score_files(task_files(["bad.qrels"], ["bad.trec"]), P1, problems=problems)
    # The line with three columns reads as BEIR's: grade 'b' is no integer.
    assert (problems.count, scores.overall("bad", "t", "P@1")) == (2, 1.0)
