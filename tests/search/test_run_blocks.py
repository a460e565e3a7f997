from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyper_ir.data.records import Hit
from hyper_ir.data.runs import order_hits, read_run, write_run
from hyper_ir.problems import Problems
from hyper_ir.search.pipeline import stock_order
from hyper_ir.search.run_blocks import by_number, by_text, common_order, read_blocks, survey

IDS = st.text("ab#é日1", min_size=1, max_size=3) | st.integers(-20, 200).map(str)
RUNS = st.dictionaries(
    IDS, st.dictionaries(IDS, st.integers(0, 9), min_size=1, max_size=5), min_size=1, max_size=5
)


def run_of(folder: Path, *lines: str, name: str = "run.trec") -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@settings(deadline=None)
@given(run=RUNS, limit=st.integers(1, 6))
def test_what_search_writes_is_read_in_order(
    tmp_path_factory: pytest.TempPathFactory, run: dict[str, dict[str, int]], limit: int
) -> None:
    path = tmp_path_factory.mktemp("runs") / "run.trec.gz"
    topics = stock_order(run)
    lists = {topic: order_hits(Hit(*item) for item in run[topic].items()) for topic in topics}
    write_run(path, lists.items(), "t")
    found = survey(path, Problems(), progress=False)
    assert (found.tag, found.topics, found.lines) == ("t", len(run), sum(map(len, run.values())))
    assert found.longest == max(map(len, run.values()))
    key = common_order([found])
    assert sorted(topics, key=key) == topics
    blocks = list(read_blocks(found, limit))
    whole = read_run(path)
    assert [block.topic for block in blocks] == topics
    assert [block.hits for block in blocks] == [whole[topic][:limit] for topic in topics]
    assert [block.lines for block in blocks] == [len(whole[topic]) for topic in topics]


def test_topics_by_number_and_by_text(tmp_path: Path) -> None:
    numbers = survey(run_of(tmp_path, "9 Q0 a 1 1 t", "10 Q0 a 1 1 t"), Problems(), False)
    assert common_order([numbers]) is by_number
    texts = survey(run_of(tmp_path, "10 Q0 a 1 1 t", "9 Q0 a 1 1 t"), Problems(), False)
    assert common_order([texts]) is by_text
    one = survey(run_of(tmp_path, "10 Q0 a 1 1 t"), Problems(), False)
    assert common_order([one, texts]) is by_text
    with pytest.raises(ValueError, match=r"LC_ALL=C sort -s -k1,1 .*run\.trec > SORTED"):
        common_order([numbers, texts])


@pytest.mark.parametrize("again", [["b", "a"], ["a", "b", "a"], ["10", "9", "x", "8"]])
def test_topics_in_no_order_are_refused(tmp_path: Path, again: list[str]) -> None:
    path = run_of(tmp_path, *(f"{topic} Q0 d 1 1 t" for topic in again))
    with pytest.raises(ValueError, match=rf"trec:{len(again)}: topic .* after .*in one order"):
        common_order([survey(path, Problems(), False)])


def test_numbers_of_any_length() -> None:
    assert by_number("-7") == -7
    assert by_number("0012") == 12
    for topic in ("", "-", "1.0", "१", "1" * 5_000, "a"):
        assert by_number(topic) is None


def test_bad_lines_are_told_once_and_left_out(tmp_path: Path) -> None:
    lines = ["q Q0 a 1 2.0 t", "q Q0 b", "", "q Q0 c 2 1.5 other", "q Q0 d 3 1.0 t"]
    path = run_of(tmp_path, *lines)
    with pytest.raises(ValueError, match=r"run\.trec:2: 3 columns"):
        survey(path, Problems(), False)
    problems = Problems("skip")
    found = survey(path, problems, False)
    assert problems.count == 2
    assert "trec:4: tag 'other' after tag 't'" in problems.summary()
    assert [[hit.doc_id for hit in block.hits] for block in read_blocks(found, 9)] == [["a", "d"]]
    assert problems.count == 2


def test_lists_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the run holds no result"):
        survey(run_of(tmp_path, ""), Problems(), False)
    with pytest.raises(ValueError, match="does not exist"):
        survey(tmp_path / "none", Problems(), False)
    first = ["p Q0 a 1 1 t"]
    up = survey(run_of(tmp_path, *first, "q Q0 a 1 1 t", "q Q0 b 2 2 t"), Problems(), False)
    with pytest.raises(ValueError, match=r"trec:2: the hits of topic 'q' do not stand from best"):
        list(read_blocks(up, 9))
    twice = survey(run_of(tmp_path, *first, "q Q0 a 1 2 t", "q Q0 a 2 1 t"), Problems(), False)
    with pytest.raises(ValueError, match=r"trec:2: topic 'q' has a document twice"):
        list(read_blocks(twice, 9))
