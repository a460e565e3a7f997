from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from hyper_ir.data.records import Judgment
from hyper_ir.evaluation.comparison import compare
from hyper_ir.evaluation.measures import parse_measures
from hyper_ir.evaluation.report import as_json, notes, write_per_query
from hyper_ir.evaluation.scores import Scores, TaskScorer
from tests.evaluation.results import TOPICS, made_up


def test_json_holds_every_figure() -> None:
    scores = made_up("nq", "fever")
    comparisons = compare(scores, "bm_25")
    value = json.loads(json.dumps(as_json(scores, comparisons, {"seed": 42}), allow_nan=False))
    assert value["tasks"]["nq"]["good"] == {
        "values": {"P@1": 0.875, "R@1": 0.875},
        "topics": 8,
        "topics_without_results": 0,
        "unjudged_topics": 0,
        "judged_documents_found": 7,
    }
    assert value["average"]["a&b|c"] == {"P@1": 0.25, "R@1": 0.25}
    assert (value["measures"], value["settings"]) == (["P@1", "R@1"], {"seed": 42})
    assert len(value["comparisons"]) == 8
    first = value["comparisons"][0]
    assert {key: first[key] for key in ("task", "run", "baseline", "measure", "wins")} == {
        "task": "nq",
        "run": "good",
        "baseline": "bm_25",
        "measure": "P@1",
        "wins": 7,
    }
    assert first["t_p_holm"] >= first["t_p"]


@pytest.mark.parametrize("name", ["values.tsv", "values.tsv.gz", "values.jsonl", "values.jsonl.gz"])
def test_values_by_query_read_back(tmp_path: Path, name: str) -> None:
    scores = made_up("nq", "fever", measures="nDCG@10")
    write_per_query(tmp_path / name, scores)
    if ".tsv" in name:
        frame = pd.read_csv(tmp_path / name, sep="\t")
    else:
        frame = pd.read_json(tmp_path / name, lines=True)
    pd.testing.assert_frame_equal(frame, scores.frame(), check_dtype=False)
    assert len(frame) == 2 * 3 * len(TOPICS)


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in one of \.tsv"):
        write_per_query(tmp_path / "values.csv", made_up("nq"))


def test_notes_say_what_was_not_scored() -> None:
    scores = made_up("nq", measures="P@1")
    scorer = TaskScorer(
        "nq", [Judgment(topic, "0", "a", 1) for topic in TOPICS], parse_measures(["P@1"])
    )
    scores.add(scorer.score("passages", {"q0": {"a#1": 1.0}, "z": {"a": 1.0}}))
    assert notes(scores) == [
        "nq, bm_25: no judged document is among the results; are the ids of one kind? "
        "(passages PAGE#N against pages: --pages)",
        "nq, passages: judged topics without results, counted 0: 7 of 8; topics without "
        "judgments, left out: 1; no judged document is among the results; are the ids of one "
        "kind? (passages PAGE#N against pages: --pages)",
    ]
    assert notes(Scores(["P@1"])) == []
