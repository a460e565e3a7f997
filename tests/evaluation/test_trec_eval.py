"""What our reader, scorer and measures give for the fixtures of NIST's trec_eval.

A value counts as expressible where ir_measures has a measure for trec_eval's name and a library
that computes it at the level of relevance asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ir_measures
import pytest

from hyper_ir.data.qrels import read_qrels
from hyper_ir.data.runs import read_run, read_run_file
from hyper_ir.evaluation.measures import Measure
from hyper_ir.evaluation.scores import RunScores, TaskScorer


@dataclass(frozen=True)
class Fixture:
    output: str
    qrels: str
    run: str
    values: int  # how many of its lines ir_measures can express
    level: int = 1
    most: int | None = None  # documents of each topic that count


FIXTURES = [
    Fixture("out.test", "qrels.test", "results.test", 28),
    Fixture("out.test.a", "qrels.test", "results.test", 65),
    Fixture("out.test.aq", "qrels.test", "results.test", 257),
    Fixture("out.test.aqc", "qrels.test", "results.trunc", 257),
    Fixture("out.test.aqcM", "qrels.test", "results.trunc", 257, most=100),
    Fixture("out.test.aql", "qrels.rel_level", "results.test", 253, level=2),
    Fixture("out.test.meas_params", "qrels.test", "results.test", 64),
]

# pytrec_eval holds trec_eval 9, which finds the recall point of IPrec by adding 0.9 and cutting;
# the fixtures are those of trec_eval 10, which rounds. They differ where that is another point.
ROUNDED_OTHERWISE = {
    output: {(f"iprec_at_recall_{recall}", topic) for recall, topic in places}
    for output, places in {
        "out.test": [("0.10", "all"), ("0.60", "all")],
        "out.test.a": [("0.10", "all"), ("0.60", "all")],
        "out.test.aq": [("0.10", "301"), ("0.60", "302"), ("0.10", "all"), ("0.60", "all")],
        "out.test.aqc": [("0.10", "301")],
        "out.test.aqcM": [],
        "out.test.aql": [
            *(("0.10", topic) for topic in ("301", "all")),
            *(("0.60", topic) for topic in ("302", "all")),
            *(("0.90", topic) for topic in ("303", "all")),
        ],
        "out.test.meas_params": [
            *(("0.10", topic) for topic in ("301", "all")),
            *(("0.25", topic) for topic in ("302", "all")),
        ],
    }.items()
}


def lines(path: Path) -> Iterator[tuple[str, str, str]]:
    for line in path.read_text().splitlines():
        name, topic, value = line.split()
        yield name, topic, value


def measure_of(name: str, level: int) -> Measure | None:
    try:
        (measure,) = ir_measures.parse_trec_measure(name)
    except ValueError:
        return None
    if level != 1 and "rel" in measure.SUPPORTED_PARAMS and name != "num_ret":
        measure = measure(rel=level)
    return measure if ir_measures.DefaultPipeline.supports(measure) else None


def score(folder: Path, fixture: Fixture, measures: list[Measure]) -> RunScores:
    scores = read_run_file(folder / fixture.run).scores
    if fixture.most is not None:
        scores = {
            topic: dict(
                sorted(docs.items(), key=lambda item: (item[1], item[0]), reverse=True)[
                    : fixture.most
                ]
            )
            for topic, docs in scores.items()
        }
    judgments = read_qrels(folder / fixture.qrels)
    return TaskScorer("trec", judgments, measures).score("run", scores)


@pytest.mark.shared
@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.output)
def test_values_as_printed(shared_data: Path, fixture: Fixture) -> None:
    folder = shared_data / "oracles" / "trec_eval"
    expected = [*lines(folder / fixture.output)]
    measures = {name: measure_of(name, fixture.level) for name, _, _ in expected}
    known = {name: measure for name, measure in measures.items() if measure is not None}
    scores = score(folder, fixture, [*set(known.values())])
    compared, different = 0, set()
    for name, topic, printed in expected:
        if name not in known:
            continue
        measure = str(known[name])
        value = scores.overall[measure] if topic == "all" else scores.values[measure][topic]
        compared += 1
        if (f"{value:.4f}" if "." in printed else f"{value:.0f}") != printed:
            different.add((name, topic))
    assert different == ROUNDED_OTHERWISE[fixture.output]
    assert compared == fixture.values


def interpolated_precision(grades: list[bool], relevant: int, rank: int) -> float:
    """The highest precision at or after the ``rank``-th relevant document; 0 if not found."""
    precisions = [sum(grades[: end + 1]) / (end + 1) for end in range(len(grades))]
    found = 0
    for end, right in enumerate(grades):
        found += right
        if found >= rank:
            return max(precisions[end:])
    return 0.0


@pytest.mark.shared
def test_interpolated_precision_differs_by_its_rounding_alone(shared_data: Path) -> None:
    folder = shared_data / "oracles" / "trec_eval"
    relevant: dict[str, set[str]] = {}
    for judgment in read_qrels(folder / "qrels.test"):
        if judgment.grade > 0:
            relevant.setdefault(judgment.topic_id, set()).add(judgment.doc_id)
    run = {  # trec_eval's order: ties by the greater document id
        topic: sorted(hits, key=lambda hit: (hit.score, hit.doc_id), reverse=True)
        for topic, hits in read_run(folder / "results.test").items()
    }
    qrels = [*ir_measures.read_trec_qrels(str(folder / "qrels.test"))]
    ours = [*ir_measures.read_trec_run(str(folder / "results.test"))]
    checked = 0
    for name, topic, printed in lines(folder / "out.test.aq"):
        if not name.startswith("iprec_at_recall") or topic == "all":
            continue
        recall = float(name.removeprefix("iprec_at_recall_"))
        grades = [hit.doc_id in relevant[topic] for hit in run[topic]]
        number = len(relevant[topic])
        rounded = interpolated_precision(grades, number, int(recall * number + 0.5))
        assert f"{rounded:.4f}" == printed
        cut = interpolated_precision(grades, number, int(recall * number + 0.9))
        measure = ir_measures.IPrec @ recall
        values = {each.query_id: each.value for each in measure.iter_calc(qrels, ours)}
        assert values[topic] == pytest.approx(cut)
        checked += 1
    assert checked == 33
