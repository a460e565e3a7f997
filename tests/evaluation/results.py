"""Scores made up for the tests of tables and reports."""

from __future__ import annotations

from hyper_ir.data.records import Judgment
from hyper_ir.evaluation.measures import parse_measures
from hyper_ir.evaluation.scores import Scores, TaskScorer

TOPICS = [f"q{number}" for number in range(8)]

RUNS = {"bm_25": "xxxxxxxx", "good": "aaaaaaax", "a&b|c": "aaxxxxxx"}


def made_up(*tasks: str, measures: str = "P@1 R@1") -> Scores:
    """Three runs; each finds one document a topic, of which ``a`` is relevant."""
    parsed = parse_measures([measures])
    scores = Scores([str(measure) for measure in parsed])
    for task in tasks:
        scorer = TaskScorer(task, [Judgment(topic, "0", "a", 1) for topic in TOPICS], parsed)
        for run, found in RUNS.items():
            results = {topic: {doc: 1.0} for topic, doc in zip(TOPICS, found, strict=True)}
            scores.add(scorer.score(run, results))
    return scores
