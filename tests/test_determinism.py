"""The same input, model and settings give the same output, whatever the machine does meanwhile.

``python -m benchmarks.determinism`` measures it on real texts, with every command.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.vectors import read_vectors
from hyper_ir.encode.crews import CrewConfig
from hyper_ir.encode.documents import OutputConfig, encode_corpus
from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.threads import threads
from hyper_ir.models.retriever import Retriever
from hyper_ir.training.recipe import OptimiserConfig
from hyper_ir.training.run import train
from tests.mining.files import write_corpus, write_kilt, write_run
from tests.mining.naive import Query, Text
from tests.tiny_models import TEXTS, save_checkpoint
from tests.training.small_run import recipe

DOCUMENTS = [" ".join((TEXTS[n % 5], str(n), TEXTS[(n * 3 + 1) % 5])) for n in range(60)]


@pytest.fixture(scope="module")
def retriever(tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    return Retriever.from_pretrained(save_checkpoint(tmp_path_factory.mktemp("models") / "bert"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.tsv"
    path.write_text("".join(f"d{n}\t{text}\n" for n, text in enumerate(DOCUMENTS)))
    return path


def encoded(
    retriever: Retriever,
    corpus: Path,
    folder: Path,
    batch: int = 8,
    cores: int = 1,
    shards: int = 1,
) -> dict[str, dict[str, int]]:
    """Vectors by id."""
    engine = Engine(retriever, "document", EngineConfig(batch, 40, "cpu"))
    with threads(cores):
        for shard in range(shards):
            output = OutputConfig(shard_id=shard, shard_num=shards)
            encode_corpus(engine, open_corpus(str(corpus)), folder, output, progress=False)
    return {id: vector for id, vector, _ in read_vectors(folder)}


def test_the_same_bytes_again_and_whatever_cores_and_processes(
    retriever: Retriever, corpus: Path, tmp_path: Path
) -> None:
    encoded(retriever, corpus, tmp_path / "first")
    first = (tmp_path / "first" / "embeddings.jsonl").read_bytes()
    for cores in (1, 2, 5):
        folder = tmp_path / str(cores)
        encoded(retriever, corpus, folder, cores=cores)
        assert (folder / "embeddings.jsonl").read_bytes() == first
    engine = Engine(retriever, "document", EngineConfig(8, 40, "cpu"))
    source = open_corpus(str(corpus))
    crew = CrewConfig(workers=2, threads=1)
    encode_corpus(engine, source, tmp_path / "crew", progress=False, crew=crew)
    assert (tmp_path / "crew" / "embeddings.jsonl").read_bytes() == first


@settings(max_examples=12, deadline=None)
@given(batch=st.integers(1, 64), shards=st.integers(1, 7))
def test_batches_and_shards_move_an_impact_by_one_at_most_and_few_of_them(
    retriever: Retriever,
    corpus: Path,
    tmp_path_factory: pytest.TempPathFactory,
    batch: int,
    shards: int,
) -> None:
    base = tmp_path_factory.mktemp("vectors")
    first = encoded(retriever, corpus, base / "first", batch=1)
    other = encoded(retriever, corpus, base / "other", batch=batch, shards=shards)
    assert sorted(other) == sorted(first)
    terms = differing = 0
    for id, vector in first.items():
        for token in {*vector, *other[id]}:
            apart = abs(vector.get(token, 0) - other[id].get(token, 0))
            terms += 1
            differing += apart > 0
            assert apart <= 1
    # A weight that is within a product's rounding error of a half may go either way.
    assert differing <= 1e-3 * terms


QUERIES = [
    Query(f"q{n}", [[str(n)]], [f"word{n}"], [str((n + i) % 9) for i in range(8)]) for n in range(6)
]


def test_mining_does_not_depend_on_pythons_hashes(tmp_path: Path) -> None:
    texts = [Text(str(n), f"title {n}", f"some word{n} of text {n % 4}") for n in range(9)]
    source = write_corpus(tmp_path / "corpus.jsonl", texts)
    task = write_kilt(tmp_path / "task.jsonl", QUERIES)
    run = write_run(tmp_path / "run.trec", QUERIES)
    found = set()
    for seed in ("0", "1", "271828"):
        output = tmp_path / f"{seed}.jsonl"
        words = ["--tasks", f"nq={task}", "--corpus", str(source), "--runs", f"nq={run}"]
        words += ["--output", str(output), "--quiet", "--depth", "8", "--max-queries", "5"]
        done = subprocess.run(
            [sys.executable, "-m", "hyper_ir.mine", *words],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found.add(output.read_bytes())
    assert len(found) == 1
    assert found.pop()


def test_the_same_seed_trains_the_same_weights(tmp_path: Path) -> None:
    made = recipe(tmp_path / "first", optimiser=OptimiserConfig(max_steps=3))
    weights = []
    for name in ("first", "again"):
        changed = recipe(
            tmp_path / "first", output=str(tmp_path / name / "run"), optimiser=made.optimiser
        )
        model = train(changed).model
        weights.append(
            {
                f"{path.relative_to(model)} {key}": tensor.numpy().tobytes()
                for path in sorted(model.rglob("*.safetensors"))
                for key, tensor in load_file(path).items()
            }
        )
    assert weights[0] == weights[1]
    assert len(weights[0]) > 20
