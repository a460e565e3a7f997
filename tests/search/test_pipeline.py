from __future__ import annotations

from collections.abc import Sequence

import pytest

from hyper_ir.data.records import Hit
from hyper_ir.search.pipeline import Depth, Search, collapse, stock_order


class Counting:
    """Every topic's list is given; remembers how it was asked."""

    def __init__(self, lists: dict[str, list[str]]) -> None:
        self.lists = lists
        self.asked: list[tuple[list[str], int, int]] = []

    def search(
        self, queries: Sequence[tuple[str, str]], hits: int, threads: int = 1
    ) -> dict[str, list[Hit]]:
        self.asked.append(([id for id, _ in queries], hits, threads))
        return {
            id: [Hit(doc, 100.0 - rank) for rank, doc in enumerate(self.lists[id][:hits])]
            for id, _ in queries
        }


def run(
    engine: Counting, depth: Depth, batch_size: int = 2
) -> tuple[dict[str, list[str]], Search[str]]:
    search: Search[str] = Search(engine, depth, batch_size, threads=3)
    topics = [(id, "text") for id in engine.lists]
    return {
        id: [hit.doc_id for hit in hits] for id, hits in search.run(topics, progress=False)
    }, search


def test_batches_threads_and_report() -> None:
    engine = Counting({"1": ["a", "b", "c"], "2": [], "3": ["a"]})
    found, search = run(engine, Depth(hits=2))
    assert found == {"1": ["a", "b"], "2": [], "3": ["a"]}
    assert engine.asked == [(["1", "2"], 2, 3), (["3"], 2, 3)]
    report = search.report
    assert (report.topics, report.hits, report.empty, report.short) == (3, 3, 1, 0)
    assert (report.batch_size, report.threads) == (2, 3)
    assert report.lines()[2:] == ["1 topic found nothing"]


def test_removing_the_query_leaves_as_many_hits_as_asked() -> None:
    engine = Counting({"q": ["a", "q", "b", "c"], "p": ["a", "b", "c", "p"]})
    found, _ = run(engine, Depth(hits=2, without_query=True))
    assert found == {"q": ["a", "b"], "p": ["a", "b"]}
    assert engine.asked[0][1] == 3


def test_pages_are_made_of_the_best_hits_and_shortness_is_counted() -> None:
    engine = Counting(
        {
            "short": ["p#1", "p#2", "q#1", "r#1"],
            "all": ["p#1", "q#1"],  # two pages, and there is no more
            "full": ["p#1", "q#1", "r#1", "p#2"],
        }
    )
    found, search = run(engine, Depth(hits=3, pages=3))
    assert found == {"short": ["p", "q"], "all": ["p", "q"], "full": ["p", "q", "r"]}
    assert search.report.short == 1
    assert (
        "1 topic has fewer than 3 pages in the best 3 passages; --fill" in search.report.lines()[-1]
    )


def test_filling_pages_looks_deeper_for_the_short_topics_alone() -> None:
    passages = [f"p#{number}" for number in range(30)] + ["q#1", "r#1"]
    engine = Counting({"deep": passages, "fine": ["a#1", "b#1", "c#1"], "never": ["x#1", "x#2"]})
    found, search = run(engine, Depth(hits=2, pages=3, fill_pages=True), batch_size=3)
    assert found == {"deep": ["p", "q", "r"], "fine": ["a", "b", "c"], "never": ["x"]}
    assert [(ids, hits) for ids, hits, _ in engine.asked] == [
        (["deep", "fine", "never"], 2),
        (["deep", "fine", "never"], 8),
        (["deep"], 32),
    ]
    assert search.report.short == 0


@pytest.mark.parametrize(
    ("ids", "told"), [(["p#1", "whole"], False), (["whole", "#7"], True), ([], False)]
)
def test_pages_of_ids_without_the_delimiter_are_told(ids: list[str], told: bool) -> None:
    _, search = run(Counting({"q": ids, "p": ids}), Depth(pages=3))
    line = "no hit's id has the delimiter '#': nothing was collapsed to pages"
    assert (line in search.report.lines()) == told
    _, search = run(Counting({"q": ids}), Depth())
    assert line not in search.report.lines()


def test_removing_the_query_and_pages_together() -> None:
    engine = Counting({"p": ["p", "p#1", "q#1", "q#2"]})
    found, _ = run(engine, Depth(hits=2, without_query=True, pages=2))
    assert found == {"p": ["p", "q"]}


def test_collapse_takes_the_last_delimiter_and_the_best_score() -> None:
    hits = [Hit("C#_(note)#3", 5.0), Hit("whole", 4.0), Hit("C#_(note)#1", 3.0), Hit("#7", 2.0)]
    expected = [Hit("C#_(note)", 5.0), Hit("whole", 4.0), Hit("#7", 2.0)]
    assert collapse(hits, "#", 9) == expected
    assert collapse(hits, "#", 1) == expected[:1]
    assert collapse([Hit("a::1", 2.0), Hit("a::2", 1.0)], "::", 9) == [Hit("a", 2.0)]


def test_topics_are_ordered_as_stock_pyserini_orders_them() -> None:
    assert stock_order(["10", "9", "-1"]) == ["-1", "9", "10"]
    assert stock_order(["10", "9", "b"]) == ["10", "9", "b"]
    assert stock_order(["²", "1"]) == ["1", "²"]


@pytest.mark.parametrize(
    "settings", [{"hits": 0}, {"pages": 0}, {"delimiter": ""}], ids=lambda each: str(each)
)
def test_depths_that_make_no_sense(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"at least 1|separates nothing"):
        Depth(**settings)  # type: ignore[arg-type]


def test_batches_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match=r"^batch size: at least 1 is needed, not 0"):
        Search(Counting({}), Depth(), batch_size=0)
    with pytest.raises(ValueError, match=r"^threads: at least 1 is needed, not 0"):
        Search(Counting({}), Depth(), batch_size=64, threads=0)
