from __future__ import annotations

import math
from collections.abc import Mapping

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.data.records import Judgment
from hyper_ir.evaluation.measures import parse_measures
from hyper_ir.evaluation.scores import RunScores, Scores, TaskScorer, pages_of, without_query

JUDGMENTS = [
    Judgment("q1", "0", "a", 2),
    Judgment("q1", "0", "b", 1),
    Judgment("q2", "0", "a", 1),
    Judgment("q3", "0", "c", 0),
]
RUN = {"q1": {"x": 3.0, "a": 2.0, "b": 1.0}, "other": {"a": 1.0}}

DOCS = st.sampled_from("abcdefghijklmno")
RESULTS = st.dictionaries(
    st.sampled_from("qrstuv"), st.dictionaries(DOCS, st.integers(0, 5).map(float), max_size=14)
)
GRADES = st.dictionaries(
    st.sampled_from("qrst"),
    st.dictionaries(DOCS, st.integers(0, 3), min_size=1, max_size=6),
    min_size=1,
)


def score(run: Mapping[str, Mapping[str, float]], *measures: str) -> RunScores:
    return TaskScorer("task", JUDGMENTS, parse_measures(measures)).score("run", run)


def test_absent_topics_count_zero_and_unjudged_ones_nothing() -> None:
    scores = score(RUN, "nDCG@10", "P@2")
    ideal = 2 + 1 / math.log2(3)
    ndcg = (2 / math.log2(3) + 1 / math.log2(4)) / ideal
    assert scores.values["nDCG@10"] == {"q1": pytest.approx(ndcg), "q2": 0.0, "q3": 0.0}
    assert scores.overall == {"nDCG@10": pytest.approx(ndcg / 3), "P@2": pytest.approx(0.5 / 3)}
    assert (scores.without_results, scores.unjudged, scores.judged_found) == (2, 1, 2)


def test_counts_are_sums_over_all_judged_topics() -> None:
    scores = score(RUN, "NumQ", "NumRel", "NumRet", "num_rel_ret")
    expected = {"NumQ": 3.0, "NumRel": 3.0, "NumRet": 3.0, "NumRet(rel=1)": 2.0}
    assert scores.overall == expected
    assert scores.values["NumRel"] == {"q1": 2.0, "q2": 1.0, "q3": 0.0}


def naive_ndcg(results: Mapping[str, float], grades: Mapping[str, int], cutoff: int) -> float:
    ranking = sorted(results, key=lambda doc: (results[doc], doc), reverse=True)[:cutoff]
    gain = sum(grades.get(doc, 0) / math.log2(rank + 2) for rank, doc in enumerate(ranking))
    best = sorted(grades.values(), reverse=True)[:cutoff]
    ideal = sum(grade / math.log2(rank + 2) for rank, grade in enumerate(best))
    return gain / ideal if ideal else 0.0


@given(run=RESULTS, grades=GRADES)
def test_ndcg_is_beirs_over_all_judged_topics(
    run: dict[str, dict[str, float]], grades: dict[str, dict[str, int]]
) -> None:
    judgments = [
        Judgment(topic, "0", doc, grade)
        for topic, docs in grades.items()
        for doc, grade in docs.items()
    ]
    scorer = TaskScorer("task", judgments, parse_measures(["nDCG@10", "KILTRprec"]))
    if not any(run.get(topic) for topic in grades):
        with pytest.raises(ValueError, match="none of its"):
            scorer.score("run", run)
        return
    values = scorer.score("run", run).values["nDCG@10"]
    expected = {topic: naive_ndcg(run.get(topic, {}), docs, 10) for topic, docs in grades.items()}
    assert values == {topic: pytest.approx(value) for topic, value in expected.items()}
    assert list(values) == list(grades)


def test_overall_is_what_ir_measures_aggregates() -> None:
    measures = parse_measures(["nDCG@10", "R@2", "KILTRprec", "RR@10", "AP", "Judged@2"])
    run = {"q1": {"b": 1.0, "x": 2.0}, "q2": {"a": 0.5}, "q3": {"c": 0.1}}
    qrels = [ir_measures.Qrel(j.topic_id, j.doc_id, j.grade, j.iteration) for j in JUDGMENTS]
    expected = ir_measures.calc_aggregate(measures, qrels, run)
    scores = TaskScorer("task", JUDGMENTS, measures).score("run", run)
    assert scores.overall == {
        str(measure): pytest.approx(value) for measure, value in expected.items()
    }


def test_highest_grade_counts_where_a_document_is_judged_in_several_iterations() -> None:
    judgments = [Judgment("q", "0", "a", 2), Judgment("q", "1", "a", 1), Judgment("q", "1", "b", 1)]
    scorer = TaskScorer("task", judgments, parse_measures(["P(rel=2)@1", "KILTRprec"]))
    scores = scorer.score("run", {"q": {"a": 2.0}})
    assert scores.overall == {"P(rel=2)@1": 1.0, "KILTRprec": 1.0}


def test_several_runs_with_one_scorer() -> None:
    scorer = TaskScorer("task", JUDGMENTS, parse_measures(["P@1", "KILTRprec"]))
    values = [
        scorer.score("run", {"q1": {doc: 1.0}}).values["P@1"]["q1"] for doc in ("a", "x", "a")
    ]
    assert values == [1.0, 0.0, 1.0]


def test_run_of_other_topics_is_refused() -> None:
    with pytest.raises(ValueError, match=r"none of its topics \(1\) .* 'PLAIN-1', the qrels 'q1'"):
        score({"PLAIN-1": {"a": 1.0}}, "P@1")
    with pytest.raises(ValueError, match=r"none of its topics \(0\)"):
        score({}, "P@1")


def test_nothing_to_score_is_refused() -> None:
    with pytest.raises(ValueError, match="judgments and measures are needed"):
        TaskScorer("task", [], parse_measures(["P@1"]))
    with pytest.raises(ValueError, match="judgments and measures are needed"):
        TaskScorer("task", JUDGMENTS, [])


def test_values_that_are_no_numbers_are_refused() -> None:
    def broken(qrels: object, run: object) -> float:
        return math.nan

    measure = ir_measures.define_byquery(broken, name="Broken")
    with pytest.raises(ValueError, match="run run, topic q1: Broken is nan"):
        TaskScorer("task", JUDGMENTS, [measure]).score("run", RUN)


def test_averages_count_tasks_alike_whatever_their_size() -> None:
    measures = parse_measures(["P@1"])
    scores = Scores(["P@1"])
    small = TaskScorer("small", [Judgment("q", "0", "a", 1)], measures)
    large = TaskScorer("large", [Judgment(f"q{n}", "0", "a", 1) for n in range(9)], measures)
    for run, doc in (("good", "a"), ("bad", "x")):
        scores.add(small.score(run, {"q": {doc: 1.0}}))
        scores.add(large.score(run, {"q0": {doc: 1.0}}))
    assert (scores.tasks, scores.runs) == (["small", "large"], ["good", "bad"])
    assert scores.average("good", "P@1") == pytest.approx((1 + 1 / 9) / 2)
    assert scores.average("bad", "P@1") == 0.0
    frame = scores.frame()
    assert list(frame.columns) == ["task", "run", "measure", "topic", "value"]
    assert len(frame) == 2 * (1 + 9)
    assert frame.groupby(["task", "run"])["value"].sum()["large", "good"] == 1.0
    with pytest.raises(ValueError, match="there twice"):
        scores.add(small.score("good", {"q": {"a": 1.0}}))


def test_passages_become_pages_with_their_best_score() -> None:
    results = {"q": {"a#1": 1.0, "b": 2.0, "a#2": 3.0, "a#3": -1.0}, "empty": {}}
    assert pages_of(results) == {"q": {"a": 3.0, "b": 2.0}, "empty": {}}


def test_query_is_left_out() -> None:
    assert without_query({"q": {"q": 2.0, "a": 1.0}}) == {"q": {"a": 1.0}}
