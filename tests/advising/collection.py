"""A small collection with encoded topics and judgments, and figures made up for settings."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from hyper_ir.advising.cells import Found
from hyper_ir.advising.grid import Grid, Setting, make_grid
from hyper_ir.advising.indexes import Size
from hyper_ir.evaluation.scores import RunScores
from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.search.latency import Latency
from tests.lucene.conftest import write_vectors

DOCUMENTS = 60
TOPICS = 8


def write_collection(folder: Path) -> Path:
    """``vectors/`` of factor 100, ``topics.tsv`` (encoded), ``dev.qrels``; one topic unjudged."""
    generator = random.Random(5)
    tokens = [f"t{number}" for number in range(40)]
    vectors = {
        f"PAGE{number // 2}#{number % 2}": {
            token: 1 + int(generator.expovariate(0.02)) for token in generator.sample(tokens, 12)
        }
        for number in range(DOCUMENTS)
    }
    write_vectors(folder / "vectors" / "v.jsonl", vectors)
    manifest = Manifest(
        "vectors",
        model={"name": "m", "sha256": "m1"},
        vocabulary="v1",
        quantiser={"factor": 100.0, "top_k": None},
        inputs={"corpus": {"source": "my corpus"}},
        counts={"documents": DOCUMENTS},
    )
    write_manifest(folder / "vectors", manifest)
    topics, judgments = [], []
    for number in range(TOPICS):
        query = {token: generator.randint(1, 20) for token in generator.sample(tokens, 6)}
        words = " ".join(token for token, weight in query.items() for _ in range(weight))
        topics.append(f"{number}\t{words}")
        score = {
            id: sum(weight * vector.get(token, 0) for token, weight in query.items())
            for id, vector in vectors.items()
        }
        relevant = sorted(score, key=lambda id: -score[id])[:5:2]
        judgments += [f"{number} 0 {id} 1" for id in relevant]
    (folder / "topics.tsv").write_text("\n".join(topics) + "\nunjudged\tt1 t2\n")
    (folder / "dev.qrels").write_text("\n".join(judgments) + "\n")
    return folder


def made_up(
    figures: Sequence[tuple[float, int, Sequence[float]]], measure: str = "RR"
) -> tuple[Grid, dict[Setting, Size], dict[Setting, Latency], dict[Setting, Found]]:
    """Settings with queries/s, bytes, and each topic's value; the unpruned one first."""
    grid = make_grid(100, [100], range(len(figures)), [0])
    sizes, latencies, found = {}, {}, {}
    for setting, (rate, size, values) in zip(grid.settings, figures, strict=True):
        sizes[setting] = Size(10, 100, size)
        latencies[setting] = Latency(100, 3, 1000 / rate, 1500 / rate, 0, rate, rate, rate, 0)
        by_topic = {str(number): value for number, value in enumerate(values)}
        mean = sum(values) / len(values)
        scores = RunScores("dev", setting.name, {measure: by_topic}, {measure: mean}, 0, 0, 9)
        found[setting] = Found(scores, {10: 0.9, 100: 0.95})
    return grid, sizes, latencies, found
