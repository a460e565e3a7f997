from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ir_measures
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.qrels import read_qrels
from hyper_ir.evaluation import kilt
from hyper_ir.evaluation.kilt import KILTP, KILTR, KILTRprec, KILTSuccess

MEASURES = {"Rprec": KILTRprec, "precision@1": KILTP @ 1}
for _k in (5, 10, 20):
    MEASURES |= {f"precision@{_k}": KILTP @ _k, f"recall@{_k}": KILTR @ _k}
    MEASURES |= {f"success_rate@{_k}": KILTSuccess @ _k}

PAGES = st.sampled_from("abcdefg")
RANKINGS = st.lists(PAGES, max_size=7, unique=True)
EVIDENCE = st.lists(st.frozensets(PAGES, min_size=1, max_size=4), min_size=1, max_size=4)


def naive_r_precision(ranking: Sequence[str], evidence: Sequence[frozenset[str]]) -> float:
    best = 0.0
    for pages in evidence:
        size = len(pages)
        hits = 0
        for page in ranking[:size]:
            if page in pages:
                hits += 1
        best = max(best, hits / size)
    return best


def naive_ranking(ranking: Sequence[str], evidence: Sequence[frozenset[str]]) -> list[bool]:
    """One place a set, moved to the end whenever another of its pages is met."""
    places: list[tuple[int | None, bool]] = []
    met: list[set[str]] = [set() for _ in evidence]
    for page in ranking:
        for number, pages in enumerate(evidence):
            if page in pages:
                met[number].add(page)
                places = [place for place in places if place[0] != number]
                places.append((number, met[number] == pages))
        if not any(page in pages for pages in evidence):
            places.append((None, False))
    return [right for _, right in places]


@given(ranking=RANKINGS, evidence=EVIDENCE)
def test_r_precision_is_the_definition(ranking: list[str], evidence: list[frozenset[str]]) -> None:
    assert kilt.r_precision(ranking, evidence) == naive_r_precision(ranking, evidence)


@given(ranking=RANKINGS, evidence=EVIDENCE)
def test_evidence_ranking_is_that_of_one_place_a_set(
    ranking: list[str], evidence: list[frozenset[str]]
) -> None:
    distinct = list(dict.fromkeys(evidence))
    assert kilt.evidence_ranking(ranking, distinct) == naive_ranking(ranking, distinct)


def test_r_precision_without_evidence_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one evidence set"):
        kilt.r_precision(["a"], [])


PAIRS = [
    "gold1 guess1_1",
    "gold2 guess2_1",
    "gold2 guess2_2",
    "gold3 guess3_1",
    "mini-gold mini-guess",
]


@pytest.mark.shared
@pytest.mark.parametrize("pair", PAIRS)
def test_values_are_those_of_kilts_own_code(shared_data: Path, pair: str) -> None:
    folder = shared_data / "oracles" / "kilt-eval"
    gold, guess = ([*records(folder / f"{name}.jsonl")] for name in pair.split())
    for expected in json.loads((folder / "expected.json").read_text())["pairs"][pair]:
        qrels = [*qrels_of(gold, expected["rank_keys"])]
        run = [*run_of(guess, expected["rank_keys"])]
        values = ir_measures.calc_aggregate(MEASURES.values(), qrels, run)
        for name, measure in MEASURES.items():
            assert values[measure] == expected[name], name
        by_query = {each.query_id: each.value for each in KILTRprec.iter_calc(qrels, run)}
        assert [by_query[str(record["id"])] for record in gold] == expected["Rprec_by_query"]


@pytest.mark.shared
def test_our_reader_of_kilt_tasks_gives_the_same(shared_data: Path) -> None:
    folder = shared_data / "oracles" / "kilt-eval"
    expected = json.loads((folder / "expected.json").read_text())["pairs"]
    judgments = read_qrels(folder / "mini-gold.jsonl")
    qrels = [ir_measures.Qrel(j.topic_id, j.doc_id, j.grade, j.iteration) for j in judgments]
    run = [*run_of(records(folder / "mini-guess.jsonl"), ["wikipedia_id"])]
    values = ir_measures.calc_aggregate(MEASURES.values(), qrels, run)
    figures = expected["mini-gold mini-guess"][0]
    assert {name: values[measure] for name, measure in MEASURES.items()} == {
        name: figures[name] for name in MEASURES
    }


def records(path: Path) -> Iterator[dict[str, Any]]:
    with open(path, encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def name_of(entry: dict[str, Any], keys: Sequence[str]) -> str:
    return "+".join(str(entry[key]).strip() for key in keys)


def qrels_of(gold: list[dict[str, Any]], keys: Sequence[str]) -> Iterator[ir_measures.Qrel]:
    for record in gold:
        for number, output in enumerate(record["output"]):
            for page in {name_of(entry, keys) for entry in output.get("provenance", ())}:
                yield ir_measures.Qrel(str(record["id"]), page, 1, str(number))


def run_of(
    guess: Iterator[dict[str, Any]] | list[dict[str, Any]], keys: Sequence[str]
) -> Iterator[ir_measures.ScoredDoc]:
    """A guess is a list without scores, and may list a page twice: its first mention counts."""
    for record in guess:
        entries = record["output"][0]["provenance"]
        for place, page in enumerate(dict.fromkeys(name_of(entry, keys) for entry in entries)):
            yield ir_measures.ScoredDoc(str(record["id"]), page, -float(place))


def judge(*judged: tuple[str, str, int, str]) -> list[ir_measures.Qrel]:
    return [ir_measures.Qrel(*each) for each in judged]


QRELS = judge(("q", "a", 1, "0"), ("q", "b", 1, "0"), ("q", "c", 1, "1"), ("r", "a", 1, "0"))


def test_is_not_trec_evals_rprec_over_pooled_judgments() -> None:
    run = {"q": {"c": 3.0, "x": 2.0, "a": 1.0}}
    assert KILTRprec.calc_aggregate(QRELS, run) == 0.5
    assert ir_measures.Rprec.calc_aggregate(QRELS, run) == pytest.approx((2 / 3) / 2)


def test_topics_without_results_count_zero_and_unjudged_topics_nothing() -> None:
    run = {"q": {"c": 1.0}, "unjudged": {"a": 1.0}}
    by_query = {each.query_id: each.value for each in KILTRprec.iter_calc(QRELS, run)}
    assert by_query == {"q": 1.0, "r": 0.0}
    for measure in (KILTP @ 1, KILTR @ 2, KILTSuccess @ 3):
        values = {each.query_id: each.value for each in measure.iter_calc(QRELS, run)}
        assert values.keys() == {"q", "r"}
        assert values["r"] == 0.0 < values["q"]


def test_grade_zero_is_no_evidence() -> None:
    qrels = judge(("q", "a", 1, "0"), ("q", "b", 0, "0"), ("r", "a", 0, "0"))
    run = {"q": {"a": 1.0}, "r": {"a": 1.0}}
    assert KILTRprec.calc_aggregate(qrels, run) == 0.5
    assert (KILTR @ 1).calc_aggregate(qrels, run) == 0.5


def test_same_set_twice_is_one_alternative() -> None:
    qrels = judge(("q", "a", 1, "0"), ("q", "a", 1, "1"), ("q", "b", 1, "2"))
    assert (KILTR @ 5).calc_aggregate(qrels, {"q": {"a": 1.0}}) == 0.5


def test_ties_are_broken_as_trec_eval_breaks_them() -> None:
    """The Success@1 of the provider built on trec_eval's own code is the reference."""
    generator = random.Random(7)
    for _ in range(50):
        pages = generator.sample([str(number) for number in range(30)], 6)
        run = {"q": {page: float(generator.randrange(2)) for page in pages}}
        qrels = judge(("q", generator.choice(pages), 1, "0"))
        expected = (ir_measures.Success @ 1).calc_aggregate(qrels, run)
        assert KILTRprec.calc_aggregate(qrels, run) == expected


def test_passages_collapse_to_pages_where_judged_ids_are_pages() -> None:
    run = {"q": {"x#1": 4.0, "x#2": 3.0, "c#7": 2.0, "c#1": 1.0}}
    qrels = judge(("q", "x", 1, "0"), ("q", "c", 1, "0"))
    assert KILTRprec.calc_aggregate(qrels, run) == 1.0
    passages = judge(("q", "x#1", 1, "0"), ("q", "c#7", 1, "0"))
    assert KILTRprec.calc_aggregate(passages, run) == 0.5


def test_iterations_are_ordered_as_numbers() -> None:
    """Sets 2 and 10 end at one page: the order of their places shows at a cut-off."""
    qrels = judge(("q", "a", 1, "10"), ("q", "b", 1, "10"), ("q", "a", 1, "2"), ("q", "z", 1, "2"))
    run = {"q": {"b": 2.0, "a": 1.0}}
    assert (KILTP @ 1).calc_aggregate(qrels, run) == 0.0
    assert (KILTP @ 2).calc_aggregate(qrels, run) == 0.5


def test_data_frames_and_qrels_without_iterations_are_taken() -> None:
    qrels = pd.DataFrame(
        [("q", "a", 1), ("q", "b", 1)], columns=["query_id", "doc_id", "relevance"]
    )
    run = pd.DataFrame([("q", "b", 2.0), ("q", "x", 1.0)], columns=["query_id", "doc_id", "score"])
    assert KILTRprec.calc_aggregate(qrels, run) == 0.5
    assert KILTRprec.calc_aggregate({"q": {"a": 1, "b": 1}}, {"q": {"b": 2.0}}) == 0.5


def test_names_parse_and_say_what_they_read() -> None:
    for measure in (KILTRprec, KILTP @ 3, KILTR @ 3, KILTSuccess @ 3):
        assert ir_measures.parse_measure(str(measure)) == measure
        assert "iteration" in ir_measures.qrel_inputs([measure])
    kilt.register()
    assert ir_measures.parse_measure("KILTRprec") == KILTRprec
