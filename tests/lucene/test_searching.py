from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hyper_ir.data.records import Hit, Passage
from hyper_ir.lucene import jvm
from hyper_ir.lucene.impact_indexing import build_impact_index
from hyper_ir.lucene.indexing import TextAnalysis, build_bm25_index
from hyper_ir.lucene.java import Java
from hyper_ir.lucene.queries import heaviest
from hyper_ir.lucene.searching import BM25Searcher, ImpactSearcher
from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.search.spreading import spread
from tests.lucene.conftest import write_vectors

TEXTS = {
    "p1": "Running marathons is running far.",
    "p2": "He runs.",
    "p3": "the of and",
    "p4": "Cats sleep; cats eat.",
    "p5": "CATS",
}

VECTORS = {
    "z": {"x": 2, "y": 1, "all": 1},
    "b": {"x": 2, "all": 5},
    "a": {"x": 2, "all": 1},
    "n": {"y": 7, "all": 1},
}


def passages(texts: dict[str, str]) -> list[Passage]:
    return [Passage(id, {"text": text}) for id, text in texts.items()]


@pytest.fixture(scope="module")
def folder(java_here: Java, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three indexes: bm25 (Porter), plain (as the texts stand), impact."""
    folder = tmp_path_factory.mktemp("indexes")
    build_bm25_index(passages(TEXTS), folder / "bm25", progress=False)
    plain = TextAnalysis(pretokenized=True)
    build_bm25_index(passages(TEXTS), folder / "plain", analysis=plain, progress=False)
    vectors = write_vectors(folder / "vectors.jsonl", VECTORS)
    build_impact_index(vectors, folder / "impact", progress=False)
    return folder


def ids(hits: list[Hit]) -> list[str]:
    return [hit.doc_id for hit in hits]


@pytest.mark.jvm
def test_threads_do_not_take_each_others_queries(folder: Path) -> None:
    """As ``--latency 4`` searches: one query at a time in each of several threads."""
    searcher = ImpactSearcher(folder / "impact")
    queries = [(str(number), {"x": 1 + number % 7, "y": 1 + number % 3}) for number in range(400)]
    alone = [searcher.search([query], 10) for query in queries]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        found = spread(lambda query: searcher.search([query], 10), queries, 4)
    finally:
        sys.setswitchinterval(interval)
    assert found == alone


@pytest.mark.jvm
def test_bm25_stems_stops_and_finds_nothing_for_nothing(folder: Path) -> None:
    searcher = BM25Searcher(folder / "bm25")
    found = searcher.search([("1", "run"), ("2", "the of"), ("3", ""), ("4", "no such")], 10, 2)
    assert sorted(ids(found["1"])) == ["p1", "p2"]
    assert found["2"] == found["3"] == found["4"] == []
    assert searcher.documents == 5


@pytest.mark.jvm
def test_bm25_scores_are_the_formulas(folder: Path) -> None:
    """One term of document frequency 2 in 5 texts of 4, 2, 0, 4 and 1 terms (of 5 with any)."""
    import math

    k1, b = 1.2, 0.75
    found = BM25Searcher(folder / "bm25", k1=k1, b=b).search([("q", "cat")], 10)["q"]
    average = (4 + 2 + 4 + 1) / 4  # Lucene averages over texts that have terms; p1 loses "is"
    idf = math.log(1 + (4 - 2 + 0.5) / (2 + 0.5))
    expected = {
        id: idf * count / (count + k1 * (1 - b + b * length / average))
        for id, count, length in [("p4", 2, 4), ("p5", 1, 1)]
    }
    assert {hit.doc_id: pytest.approx(hit.score, abs=1e-4) for hit in found} == expected


@pytest.mark.jvm
def test_queries_are_treated_as_the_manifest_says_the_texts_were(folder: Path) -> None:
    searcher = BM25Searcher(folder / "plain")
    found = searcher.search([("1", "CATS"), ("2", "cats"), ("3", "of")], 10)
    assert (ids(found["1"]), ids(found["2"]), ids(found["3"])) == (["p5"], ["p4"], ["p3"])
    other = BM25Searcher(folder / "plain", analysis=TextAnalysis())
    assert other.search([("1", "CATS")], 10)["1"] == []


@pytest.mark.jvm
def test_a_pasted_document_as_a_query(folder: Path) -> None:
    """5,000 different words, and then more words than the lifted limit."""
    searcher = BM25Searcher(folder / "bm25")
    text = "cats " + " ".join(f"word{number}x" for number in range(5_000))
    assert ids(searcher.search([("q", text)], 3)["q"]) == ["p4", "p5"]
    longer = "cats " + " ".join(f"w{number}" for number in range(70_000))
    assert ids(searcher.search([("q", longer)], 3)["q"]) == ["p4", "p5"]


@pytest.mark.jvm
def test_impact_scores_are_the_sums(folder: Path) -> None:
    searcher = ImpactSearcher(folder / "impact")
    queries = [
        ("1", {"x": 3, "y": 1, "unknown": 9}),
        ("2", {}),
        ("3", {"no": 1}),
        ("4", {"all": 2}),
    ]
    found = searcher.search(queries, 10, 2)
    assert found["1"] == [
        Hit("n", 7.0),
        Hit("z", 6.999999046325684),  # Anserini lowers the second of a tie
        Hit("a", 6.0),
        Hit("b", 5.999999046325684),
    ]
    # "all" is in every document: its idf is 0, and Pyserini leaves it out.
    assert found["2"] == found["3"] == found["4"] == []
    assert searcher.knows("all")
    assert not searcher.knows("unknown")
    kept = ImpactSearcher(folder / "impact", min_idf=-1).search([("4", {"all": 2})], 2)
    assert kept["4"] == [Hit("b", 10.0), Hit("a", 2.0)]


@pytest.mark.jvm
def test_impact_queries_beyond_lucenes_own_limit(folder: Path) -> None:
    searcher = ImpactSearcher(folder / "impact", min_idf=-1)
    many = {f"t{number}": 1 for number in range(5_000)} | {"x": 1}
    assert ids(searcher.search([("q", many)], 5)["q"]) == ["a", "b", "z"]


@pytest.mark.jvm
@pytest.mark.parametrize("weight", [0, -1, 1.5, 2.0, True, float("nan"), "1"])
def test_bad_query_weights_are_refused(folder: Path, weight: object) -> None:
    searcher = ImpactSearcher(folder / "impact")
    with pytest.raises(ValueError, match=r"query q7: weight .* of token 'x' is not an integer"):
        searcher.search([("q7", {"x": weight})], 1)  # type: ignore[dict-item]


@pytest.mark.jvm
def test_the_wrong_kind_of_index_and_the_wrong_numbers_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="holds impacts, not texts"):
        BM25Searcher(folder / "impact")
    with pytest.raises(ValueError, match="holds texts, not impacts"):
        ImpactSearcher(folder / "bm25")
    with pytest.raises(ValueError, match="is no Lucene index"):
        ImpactSearcher(folder)
    with pytest.raises(ValueError, match="b between 0 and 1"):
        BM25Searcher(folder / "bm25", b=1.5)
    searcher = BM25Searcher(folder / "bm25")
    with pytest.raises(ValueError, match="an id occurs twice"):
        searcher.search([("q", "a"), ("q", "b")], 1)
    with pytest.raises(ValueError, match=r"^hits: at least 1 is needed"):
        searcher.search([("q", "a")], 0)


@pytest.mark.jvm
def test_a_broken_index_is_an_error_with_lucenes_words(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "segments_1").write_bytes(b"no index")
    write_manifest(tmp_path, Manifest("index", config={"impact": True}))
    with pytest.raises(ValueError, match=r"index .*Exception"):
        ImpactSearcher(tmp_path)


def test_heaviest_keeps_the_largest_weights() -> None:
    vector = {"d": 1, "a": 5, "c": 5, "b": 9}
    assert heaviest(vector, 2) == {"b": 9, "a": 5}
    assert heaviest(vector, 4) == vector
    assert jvm.CLAUSE_LIMIT == 65_536
