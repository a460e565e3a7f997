from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from hyper_ir.data.records import Hit
from hyper_ir.data.runs import read_run
from hyper_ir.lucene.queries import Vector
from hyper_ir.manifest import Manifest, read_manifest
from hyper_ir.search import engines, latency
from hyper_ir.search.measuring import Pruning, chosen_terms, latency_by_threads
from hyper_ir.search.pipeline import Depth, Search
from hyper_ir.search.sources import Texts, Vectors
from hyper_ir.search.to_run import Job, impact_run
from tests.lucene.conftest import write_vectors

TOPICS = {f"q{number}": {f"t{term}": 9 - term for term in range(8)} for number in range(5)}


class Slow:
    """A second for each term of a query; a document for each term."""

    def __init__(self, now: list[float]) -> None:
        self.now = now
        self.asked: list[int] = []

    def search(
        self, queries: Sequence[tuple[str, Vector]], hits: int, threads: int = 1
    ) -> dict[str, list[Hit]]:
        self.asked += [len(queries)]
        self.now[0] += sum(len(vector) for _, vector in queries)
        return {
            id: [Hit(f"d-{token}", weight) for token, weight in vector.items()][:hits]
            for id, vector in queries
        }


class Encoder:
    """The topic's vector, by its text, after an eighth of a second."""

    manifest: Manifest | None = None

    def __init__(self, now: list[float]) -> None:
        self.now = now

    def encode(self, texts: Sequence[str]) -> list[dict[str, int]]:
        self.now[0] += 0.125 * len(texts)
        return [TOPICS[text] for text in texts]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [0.0]
    monkeypatch.setattr(latency, "perf_counter", lambda: clock[0])
    return clock


def live(now: list[float]) -> Texts:
    return Texts([(id, id) for id in TOPICS], Encoder(now))


def test_a_budget_is_kept_from_text_to_hits(now: list[float]) -> None:
    engine = Slow(now)
    search = Search(engine, Depth(), batch_size=64, threads=2)
    found = chosen_terms(live(now), search, Pruning(budget=5_125, sample=3), progress=False)
    assert found.terms == 5  # 5 s of search and 0.125 s of encoding
    assert found.budget is not None
    assert found.budget.latency.encode_share == pytest.approx(0.125 / 5.125)
    assert found.cost is not None
    assert (found.cost.topics, found.cost.overlap[10]) == (3, 5 / 8)
    assert set(engine.asked[:-2]) == {1}  # one query at a time, but for the comparison
    encoded = Vectors(list(TOPICS.items()), None)
    assert chosen_terms(encoded, search, Pruning(budget=5_000), progress=False).terms == 5
    assert chosen_terms(encoded, search, Pruning(budget=8_000), progress=False).terms is None
    with pytest.raises(ValueError, match=r"900 ms cannot be kept: .*1000\.0 ms"):
        chosen_terms(encoded, search, Pruning(budget=900), progress=False)


def test_a_number_of_terms_is_measured_only_for_a_judge(now: list[float]) -> None:
    engine = Slow(now)
    search = Search(engine, Depth())
    assert chosen_terms(live(now), search, Pruning(terms=3)).terms == 3
    assert chosen_terms(live(now), search, Pruning()).terms is None
    assert engine.asked == []


def test_latency_by_threads(now: list[float]) -> None:
    search = Search(Slow(now), Depth())
    source = live(now)
    found = latency_by_threads(source.topics, source.encode, search, [1], 2, progress=False)
    assert found[1].queries == 100
    assert found[1].p95 == pytest.approx(8_125)
    assert found[1].queries_per_second == pytest.approx(1 / 8.125)
    assert search.report.topics == 0  # measuring is no part of the run


def test_a_budget_that_cannot_be_kept_leaves_no_run(
    tmp_path: Path, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = write_vectors(tmp_path / "v.jsonl", {"d": {"t0": 1}})
    (tmp_path / "t.tsv").write_text("".join(f"{id}\t{id}\n" for id in TOPICS))
    job = Job(str(vectors), str(tmp_path / "t.tsv"), str(tmp_path / "r"), Depth(hits=9))
    now_encoder = Encoder(now)
    slow = Slow(now)
    monkeypatch.setattr(engines.Plan, "open", lambda *_: _Known(slow))
    with pytest.raises(
        ValueError, match=r"100 ms cannot be kept: to encode .* alone takes 125\.0 "
    ):
        impact_run(job, encoder=now_encoder, pruning=Pruning(budget=100), progress=False)
    assert slow.asked == []
    assert now[0] == 0.125 * (len(TOPICS) + 1)  # once through, after one that warms up
    with pytest.raises(ValueError, match=r"130 ms cannot be kept: .*125\.0 ms of it to be encoded"):
        impact_run(job, encoder=now_encoder, pruning=Pruning(budget=130), progress=False)
    assert not (tmp_path / "r").exists()
    report = impact_run(job, encoder=now_encoder, pruning=Pruning(budget=2_500), progress=False)
    assert report.query_terms == 2
    assert all(len(hits) == 2 for hits in read_run(job.output).values())
    manifest = read_manifest(job.output)
    assert manifest is not None
    assert manifest.config["query_terms"] == 2
    assert manifest.config["latency_budget"]["milliseconds"] == 2_500
    assert manifest.config["pruning_cost"]["overlap@10"] == 0.25


class _Known:
    """An engine that knows every token."""

    manifest: Manifest | None = None
    documents = 8

    def __init__(self, slow: Slow) -> None:
        self.search = slow.search

    def knows(self, token: str) -> bool:
        return True

    def idf(self, token: str) -> float | None:
        return 1.0


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="exclude each other"):
        Pruning(terms=3, budget=3)
    with pytest.raises(ValueError, match="there is no cost to score"):
        Pruning(qrels="q")
    with pytest.raises(ValueError, match="at least 1 topic"):
        Pruning(sample=0)
