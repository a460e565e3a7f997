from __future__ import annotations

import json

import pytest

from hyper_ir.search.budget import Budget
from hyper_ir.search.latency import Latency
from hyper_ir.search.pruning_cost import PruningCost
from hyper_ir.search.report import Report, print_latency

LATENCY = Latency(100, 3, 12.34, 20.06, 9.0, 81.04, 80, 83, 0.755)


def test_times_and_shares_of_a_run() -> None:
    report = Report(batch_size=2, threads=4, batches=[(2, 0.2), (1, 0.4)], encode_seconds=0.9)
    assert (report.topics, report.seconds) == (3, 1.5)
    assert report.search_seconds == pytest.approx(0.6)
    assert report.encode_share == pytest.approx(0.6)
    assert report.milliseconds(50) == pytest.approx(400)
    assert report.milliseconds(100) == pytest.approx(700)
    assert report.lines() == [
        "3 topics in 1.50 s: encoding 0.90 s (60%), searching 0.60 s (40%)",
        "2.0 queries/s, p50 400.0 ms, p95 670.0 ms a query (means of batches of 2, 4 threads; "
        "--latency measures one query at a time)",
    ]


def test_encoded_topics_and_single_ones() -> None:
    report = Report(batch_size=1, threads=1, batches=[(1, 0.5), (1, 1.5)], empty=1)
    assert report.lines() == [
        "2 topics searched in 2.00 s",
        "1.0 queries/s, p50 1000.0 ms, p95 1450.0 ms a query",
        "1 topic found nothing",
    ]


def test_nothing_searched_is_no_division_by_zero() -> None:
    report = Report()
    assert report.lines()[0] == "0 topics searched in 0.00 s"
    assert report.as_json()["share"] == {"encode": 0, "search": 0}


def test_pruning_is_told_and_all_is_json() -> None:
    budget = Budget(20, 8, LATENCY, LATENCY, [(8, 20.0)])
    report = Report(
        batches=[(1, 1.0)],
        terms=7.25,
        query_terms=8,
        budget=budget,
        cost=PruningCost(5, {10: 0.9, 100: 1.0}),
        latency={1: LATENCY, 2: LATENCY},
    )
    assert report.lines()[2:] == [
        "queries cut to their 8 heaviest terms, 7.2 on average",
        "8 query terms at most stay within 20 ms (p95 20.1 ms; whole queries 20.1 ms)",
        "pruning, on 5 topics: overlap@10 0.900, overlap@100 1.000 with unpruned",
    ]
    value = json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert value["latency"][1]["threads"] == 2
    assert value["latency_budget"]["terms"] == 8
    assert value["pruning_cost"]["overlap@10"] == 0.9


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_latency({1: LATENCY, 16: LATENCY})
    printed = capsys.readouterr().out.splitlines()
    assert printed[2].split() == [
        "threads",
        "queries/s",
        "p50",
        "ms",
        "p95",
        "ms",
        *printed[2].split()[6:],
    ]
    assert printed[4].split() == ["1", "81.0", "12.3", "20.1", "76%", "24%"]
    assert printed[5].split()[0] == "16"
    assert "medians of 3 passes over 100 queries each" in printed[-2]
