from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.records import Hit
from hyper_ir.data.runs import read_run
from hyper_ir.manifest import read_manifest
from hyper_ir.search.exact import ExactSearcher
from hyper_ir.search.idf_weighting import IdfWeighted
from hyper_ir.search.merging import merge_runs
from hyper_ir.search.pipeline import Depth
from hyper_ir.search.to_run import Job, impact_run
from tests.lucene.conftest import write_vectors
from tests.search.test_exact import collections, vectors

DOCUMENTS = {"a": {"the": 3, "comet": 2}, "b": {"the": 3, "tail": 2}, "c": {"tail": 1, "the": 1}}


@given(collections, vectors, st.sampled_from([0.25, 0.5, 1.0, 2.0]))
def test_hits_are_those_of_the_weighted_query(
    documents: dict[str, dict[str, int]], query: dict[str, int], power: float
) -> None:
    engine = ExactSearcher(documents.items())
    expected = {}
    for token, weight in query.items():
        holding = sum(token in vector for vector in documents.values())
        if 0 < holding < len(documents):
            expected[token] = max(1, round(weight * math.log(len(documents) / holding) ** power))
    found = IdfWeighted(engine, power).search([("q", query)], 9)
    assert found == engine.search([("q", expected)], 9)


def test_what_all_have_goes_and_what_none_has_stays() -> None:
    searcher = IdfWeighted(ExactSearcher(DOCUMENTS.items(), min_idf=-1), 1)
    query = {"the": 7, "tail": 5, "comet": 1, "unheard": 4}
    assert searcher.weighted(query) == {"tail": 2, "comet": 1, "unheard": 4}
    assert not searcher.knows("unheard")
    assert searcher.knows("the")
    assert searcher.search([("q", {"the": 7})], 3) == {"q": []}


@pytest.mark.parametrize("power", [0, -1, 4.5, float("nan")])
def test_powers_that_make_no_sense(power: float) -> None:
    with pytest.raises(ValueError, match="idf power"):
        IdfWeighted(ExactSearcher(DOCUMENTS.items()), power)


def job(folder: Path, name: str) -> Job:
    source = write_vectors(folder / f"{name}.jsonl", DOCUMENTS)
    topics = folder / "topics.tsv"
    topics.write_text("1\ttail comet comet the\n", encoding="utf-8")
    return Job(str(source), str(topics), str(folder / f"{name}.trec"), Depth())


def test_a_run_says_the_power_and_goes_by_it(tmp_path: Path) -> None:
    one = job(tmp_path, "one")
    impact_run(one, engine="exact", idf_power=2.0, progress=False)
    manifest = read_manifest(one.output)
    assert manifest is not None
    assert manifest.config["idf_power"] == 2.0
    found = read_run(one.output)["1"]
    # 2·ln(3)² = 2.4 is 2 rounded, ln(3/2)² = 0.16 is 1 at least.
    assert found == [Hit("a", 4), Hit("b", 2), Hit("c", 1)]


def test_runs_of_parts_with_frequencies_of_their_own_are_not_merged(tmp_path: Path) -> None:
    jobs = [job(tmp_path, name) for name in ("one", "two")]
    for each in jobs:
        impact_run(each, engine="exact", idf_power=0.5, min_idf=-1, progress=False)
    with pytest.raises(ValueError, match="its own frequencies"):
        merge_runs([each.output for each in jobs], tmp_path / "merged.trec", progress=False)


def test_a_searcher_that_is_wrapped_is_still_told(tmp_path: Path) -> None:
    engine = ExactSearcher(DOCUMENTS.items())
    searcher = IdfWeighted(engine, 0.5)
    assert (searcher.documents, searcher.manifest) == (engine.documents, engine.manifest)
    assert searcher.idf("comet") == pytest.approx(math.log(3))
    assert searcher.search([("q", {"comet": 3})], 5) == {"q": [Hit("a", 6.0)]}
