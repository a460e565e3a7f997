"""The exact searcher against Lucene: the same hits, the same order, the same scores."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyper_ir.lucene import jvm, pyserini_api
from hyper_ir.lucene.impact_indexing import build_impact_index
from hyper_ir.lucene.searching import ImpactSearcher
from hyper_ir.search.exact import ExactSearcher
from tests.java_here import java_or_skip
from tests.lucene.conftest import write_vectors

pytestmark = pytest.mark.jvm

TOKENS = [
    *("a", "A", "##ing", "x" * 255, 'q"uote', "back\\slash", "'", "%", "[empty-query]"),
    *("é", "e\u0301", "\u00a0nb", "a\u2007b", "😀", "\uffff", "\u0085", "\u200b", "中文"),
]
EVERYWHERE = "everywhere"
RARE = "rare"

Both = tuple[ImpactSearcher, ExactSearcher, ImpactSearcher, ExactSearcher]


def awkward_vectors() -> dict[str, dict[str, int]]:
    """300 documents: few different weights (ties), a token of all, ids that sort by bytes."""
    generator = random.Random(11)
    documents = {}
    for number in range(300):
        id = generator.choice(["d", "D", "é", "😀", "\uffff", "PAGE#"]) + str(number)
        chosen = generator.sample(TOKENS, generator.randint(1, 6))
        vector = {token: generator.choice([1, 1, 2, 3, 255, 256]) for token in chosen}
        documents[id] = vector | {EVERYWHERE: generator.choice([1, 2])}
    documents["heavy"] = {RARE: 1_000_001, "a": 70_001, EVERYWHERE: 1}
    documents["heavier"] = {RARE: 1_000_003, EVERYWHERE: 1}
    return documents


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Lucene and exact, without and with the token that every document has."""
    java_or_skip()
    folder = tmp_path_factory.mktemp("parity")
    vectors = write_vectors(folder / "vectors.jsonl", awkward_vectors())
    build_impact_index(vectors, folder / "impact", progress=False)
    return (
        ImpactSearcher(folder / "impact"),
        ExactSearcher.from_files(vectors, progress=False),
        ImpactSearcher(folder / "impact", min_idf=-1),
        ExactSearcher.from_files(vectors, min_idf=-1, progress=False),
    )


query_weights = st.integers(1, 5) | st.integers(1, 3_000)
queries = st.lists(
    st.dictionaries(st.sampled_from([*TOKENS, EVERYWHERE, RARE, "unknown"]), query_weights),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(queries, st.sampled_from([1, 2, 7, 50, 301, 1000]), st.integers(1, 3))
def test_any_query(both: Both, vectors: list[dict[str, int]], hits: int, threads: int) -> None:
    lucene, exact, lucene_all, exact_all = both
    batch = [(str(number), vector) for number, vector in enumerate(vectors)]
    assert exact.search(batch, hits, threads) == lucene.search(batch, hits, threads)
    assert exact_all.search(batch, hits, threads) == lucene_all.search(batch, hits, threads)


def test_idf(both: Both) -> None:
    lucene, exact, *_ = both
    for token in [*TOKENS, RARE, EVERYWHERE, "unknown"]:
        assert exact.idf(token) == lucene.idf(token)
        assert exact.knows(token) == (exact.idf(token) is not None)
    assert exact.idf(EVERYWHERE) == 0
    assert exact.idf("unknown") is None


def test_scores_beyond_what_32_bits_hold_exactly(both: Both) -> None:
    lucene, exact, *_ = both
    batch = [("1", {RARE: 3_000_001}), ("2", {RARE: 999, "a": 1_000_003, "A": 1})]
    found = exact.search(batch, 400)
    assert found == lucene.search(batch, 400)
    assert found["1"][0].score > 2**40


def test_min_idf_between_two_document_frequencies(
    tmp_path: Path, both: Both, capfd: pytest.CaptureFixture[str]
) -> None:
    import math

    vectors = {f"d{i}": {"half": 1, f"own{i}": 1} if i < 4 else {f"own{i}": 1} for i in range(8)}
    path = write_vectors(tmp_path / "v" / "v.jsonl", vectors)
    index_here(path.parent, tmp_path / "index")
    batch = [("q", {"half": 2, "own1": 1})]
    for min_idf in (0, math.log(2), math.log(2) - 1e-9, 5):
        lucene = ImpactSearcher(tmp_path / "index", min_idf=min_idf).search(batch, 9)
        exact = ExactSearcher(vectors.items(), min_idf=min_idf).search(batch, 9)
        assert exact == lucene
        assert len(exact["q"]) == {0: 4, math.log(2): 1, 5: 0}.get(min_idf, 4)


@pytest.mark.parametrize("seed", range(6))
def test_random_collections(
    tmp_path: Path, both: Both, seed: int, capfd: pytest.CaptureFixture[str]
) -> None:
    generator = random.Random(seed)
    tokens = [f"t{number}" for number in range(generator.randint(2, 60))]
    documents = {
        f"d{generator.randrange(10**6)}": {
            token: min(1 + int(generator.expovariate(0.02)), 3000)
            for token in generator.sample(tokens, generator.randint(1, min(20, len(tokens))))
        }
        for _ in range(generator.randint(1, 120))
    }
    path = write_vectors(tmp_path / "v" / "v.jsonl", documents)
    index_here(path.parent, tmp_path / "index")
    batch = [
        (str(number), {token: generator.randint(1, 400) for token in generator.sample(tokens, 2)})
        for number in range(20)
    ]
    lucene, exact = ImpactSearcher(tmp_path / "index"), ExactSearcher(documents.items())
    for hits in (1, 5, 1000):
        assert exact.search(batch, hits) == lucene.search(batch, hits)


def index_here(vectors: Path, index: Path) -> None:
    """Anserini's IndexCollection inside this process: faster than a process for each test."""
    jvm.start()
    main = pyserini_api.load().autoclass("io.anserini.index.IndexCollection").main
    arguments = ["-collection", "JsonVectorCollection", "-impact", "-pretokenized"]
    main([*arguments, "-input", str(vectors), "-index", str(index), "-threads", "1", "-quiet"])
