from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.records import Hit
from hyper_ir.data.runs import order_hits, read_run, write_run
from hyper_ir.mining.run_topics import read_run_topics
from hyper_ir.problems import Problems

IDS = st.text("ab#é日", min_size=1, max_size=3)
RUNS = st.dictionaries(
    IDS, st.dictionaries(IDS, st.integers(-9, 9), min_size=1, max_size=5), max_size=4
)


def run_of(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "run.trec"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


@given(run=RUNS)
def test_gives_what_the_whole_reader_gives(
    tmp_path_factory: pytest.TempPathFactory, run: dict[str, dict[str, int]]
) -> None:
    path = tmp_path_factory.mktemp("runs") / "run.trec.gz"
    lists = {topic: [Hit(id, score) for id, score in docs.items()] for topic, docs in run.items()}
    write_run(path, ((topic, order_hits(hits)) for topic, hits in lists.items()), "t")
    assert list(read_run_topics(path)) == list(read_run(path).items())


def test_scores_and_not_ranks_decide(tmp_path: Path) -> None:
    path = run_of(tmp_path, "q Q0 c 1 1 t", "", "q\tQ0\tb  2 2e0 t more", "q Q0 a 3 1.0 t")
    assert list(read_run_topics(path)) == [("q", [Hit("b", 2.0), Hit("a", 1.0), Hit("c", 1.0)])]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("r Q0 b 2 1.0", "no line of a run"),
        ("r Q0 b 2 nan t", "with a number as the score"),
        ("r Q0 b 2 high t", "with a number as the score"),
        ("r Q0 my page 2 1.0 t", "no line of a run"),
        ("r Q0 a 2 0.5 t", "document 'a' a second time for topic 'r'"),
        ("r Q0 b 2 0.5 other", "tag 'other' after tag 't'"),
        ("q Q0 b 2 0.5 t", "topic 'q' stands further up too; sort the run by topic"),
    ],
)
def test_bad_lines_are_named_or_skipped(tmp_path: Path, line: str, complaint: str) -> None:
    path = run_of(tmp_path, "q Q0 a 1 1.0 t", "r Q0 a 1 1.0 t", line, "s Q0 a 1 1.0 t")
    with pytest.raises(ValueError, match=complaint) as caught:
        list(read_run_topics(path))
    assert str(caught.value).startswith(f"{path}:3: ")
    problems = Problems("skip")
    found = list(read_run_topics(path, problems))
    assert found == [(topic, [Hit("a", 1.0)]) for topic in "qrs"]
    assert problems.count == 1


def test_no_file_and_an_empty_one(tmp_path: Path) -> None:
    assert list(read_run_topics(run_of(tmp_path, ""))) == []
    with pytest.raises(ValueError, match="does not exist"):
        list(read_run_topics(tmp_path / "none"))
