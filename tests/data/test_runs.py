from __future__ import annotations

import gzip
from pathlib import Path

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.records import Hit, page_of
from hyper_ir.data.runs import (
    order_hits,
    read_run,
    read_run_file,
    remove_query,
    tag_of,
    to_pages,
    write_run,
)
from hyper_ir.problems import Problems

WORDS = st.text(st.characters(exclude_categories=("Z", "C")), min_size=1, max_size=5).filter(
    lambda text: text.split() == [text]
)
HITS = st.lists(
    st.builds(Hit, WORDS, st.integers(-1000, 100_000).map(lambda n: n / 64)),
    max_size=8,
    unique_by=lambda hit: hit.doc_id,
)


def run_of(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "run.trec"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def test_line_format_is_that_of_pyserini(tmp_path: Path) -> None:
    path = tmp_path / "run.trec"
    lines = write_run(path, [("q1", [Hit("a#1", 12.3456789), Hit("b", 1)]), ("q2", [])], "bm25")
    assert lines == 2
    assert path.read_text() == "q1 Q0 a#1 1 12.345679 bm25\nq1 Q0 b 2 1.000000 bm25\n"


@given(results=st.dictionaries(WORDS, HITS, max_size=4), tag=WORDS)
def test_written_runs_read_back(
    tmp_path_factory: pytest.TempPathFactory, results: dict[str, list[Hit]], tag: str
) -> None:
    path = tmp_path_factory.mktemp("runs") / "run.trec.gz"
    ordered = {topic_id: order_hits(hits) for topic_id, hits in results.items()}
    lines = write_run(path, ordered.items(), tag)
    assert lines == sum(map(len, ordered.values()))
    # Multiples of 1/64 have at most six decimal places, so that writing loses nothing.
    assert read_run(path) == {topic_id: hits for topic_id, hits in ordered.items() if hits}
    assert read_run_file(path).tag == (tag if lines else "")


def test_agrees_with_the_reader_of_ir_measures(shared_data: Path) -> None:
    path = shared_data / "oracles" / "trec_eval" / "results.test"
    expected = {
        (scored.query_id, scored.doc_id): scored.score
        for scored in ir_measures.read_trec_run(str(path))
    }
    run = read_run(path)
    assert {(q, hit.doc_id): hit.score for q, hits in run.items() for hit in hits} == expected
    assert all(hits == order_hits(hits) for hits in run.values())


def test_words_after_the_tag_are_ignored(shared_data: Path) -> None:
    run = read_run_file(shared_data / "oracles" / "trec_eval" / "results.trunc")
    assert run.tag == "STANDARD"
    assert sum(map(len, run.scores.values())) == 584


def test_gzip_tabs_crlf_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "run.gz"
    path.write_bytes(gzip.compress(b"q\tQ0\ta\t1\t1e2\tt\r\n\r\n  q Q0 b 0 -1 t\n"))
    assert read_run(path) == {"q": [Hit("a", 100.0), Hit("b", -1.0)]}


def test_score_and_not_rank_decides_the_order(tmp_path: Path) -> None:
    path = run_of(tmp_path, "q Q0 c 1 1.0 t", "q Q0 b 2 2.0 t", "q Q0 a 3 1.0 t")
    assert [hit.doc_id for hit in read_run(path)["q"]] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("q Q0 b 2 1.0", "5 columns where a run has six"),
        ("q Q0 b 2 nan t", "score 'nan' is not a finite number"),
        ("q Q0 b 2 inf t", "score 'inf' is not a finite number"),
        ("q Q0 b 2 high t", "score 'high' is not a finite number"),
        ("q Q0 b second 1.0 t", "rank 'second' is not an integer"),
        ("q Q0 my page 2 1.0 t", "rank 'page' is not an integer"),
        ("q Q0 page 12 2 1.0 t", "ids cannot hold white space"),
        ("q Q0 a 2 0.5 t", "document 'a' a second time for topic 'q'"),
        ("q Q0 b 2 0.5 other", "tag 'other' after tag 't'"),
    ],
)
def test_bad_lines_are_named_or_skipped(tmp_path: Path, line: str, complaint: str) -> None:
    path = run_of(tmp_path, "q Q0 a 1 1.0 t", line, "r Q0 a 1 1.0 t")
    with pytest.raises(ValueError, match=complaint) as caught:
        read_run(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    problems = Problems("skip")
    assert read_run(path, problems) == {"q": [Hit("a", 1.0)], "r": [Hit("a", 1.0)]}
    assert problems.count == 1


def test_topic_with_bad_lines_alone_is_left_out(tmp_path: Path) -> None:
    path = run_of(tmp_path, "q Q0 a 1 1.0 t", "r Q0 a 1 1.0 other")
    assert set(read_run(path, Problems("skip"))) == {"q"}


def test_folder_missing_file_and_truncated_gzip(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is a folder"):
        read_run(tmp_path)
    with pytest.raises(ValueError, match="does not exist"):
        read_run(tmp_path / "none.trec")
    path = tmp_path / "run.gz"
    path.write_bytes(gzip.compress(b"q Q0 a 1 1.0 t\n" * 2000)[:-20])
    with pytest.raises(ValueError, match=r"run\.gz:\d+"):
        read_run(path)


@pytest.mark.parametrize(
    ("results", "tag", "complaint"),
    [
        ([("q 1", [])], "t", "topic id 'q 1'"),
        ([("", [])], "t", "topic id is empty"),
        ([("q", [])], "my run", "tag 'my run'"),
        ([("q", [Hit("a b", 1.0)])], "t", "document id 'a b'"),
        ([("q", [Hit("a", 1.0)]), ("q", [])], "t", "topic 'q' is given twice"),
        ([("q", [Hit("a", 2.0), Hit("a", 1.0)])], "t", "document 'a' is given twice"),
        ([("q", [Hit("a", float("nan"))])], "t", "has score nan"),
        ([("q", [Hit("a", 1.0), Hit("b", 2.0)])], "t", "from best to worst"),
    ],
)
def test_refused_results_leave_the_old_file(
    tmp_path: Path, results: list[tuple[str, list[Hit]]], tag: str, complaint: str
) -> None:
    path = run_of(tmp_path, "old")
    with pytest.raises(ValueError, match=complaint):
        write_run(path, results, tag)
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_ties_are_broken_by_document_id() -> None:
    hits = [Hit("b", 1.0), Hit("c", 2.0), Hit("a", 1.0)]
    assert [hit.doc_id for hit in order_hits(hits)] == ["c", "a", "b"]


@given(hits=HITS, limit=st.none() | st.integers(0, 9))
def test_pages_are_those_of_a_naive_grouping(hits: list[Hit], limit: int | None) -> None:
    passages = order_hits([Hit(f"{hit.doc_id[0]}#{hit.doc_id}", hit.score) for hit in hits])
    best: list[Hit] = []
    for passage in passages:
        if all(page.doc_id != page_of(passage.doc_id) for page in best):
            best.append(Hit(page_of(passage.doc_id), passage.score))
    assert to_pages(passages, limit) == (best if limit is None else best[:limit])


def test_pages_split_at_the_last_number_sign() -> None:
    hits = [Hit("a#b#2", 3.0), Hit("a#1", 2.0), Hit("a#b#1", 1.0), Hit("plain", 0.5)]
    assert to_pages(hits) == [Hit("a#b", 3.0), Hit("a", 2.0), Hit("plain", 0.5)]


def test_the_query_itself_is_removed() -> None:
    assert remove_query([Hit("q", 2.0), Hit("q1", 1.0)], "q") == [Hit("q1", 1.0)]


def test_tag_is_that_of_the_first_line(tmp_path: Path) -> None:
    assert tag_of(run_of(tmp_path, "", "q Q0 a 1 1.0 bm25", "broken")) == ("bm25", 2)
    with pytest.raises(ValueError, match=r"run\.trec:1: 2 columns"):
        tag_of(run_of(tmp_path, "not this"))
    with pytest.raises(ValueError, match="holds no result"):
        tag_of(run_of(tmp_path))
    assert tag_of(run_of(tmp_path, "not this", "q Q0 a 1 1.0 bm25"), "skip") == ("bm25", 2)
