"""The contenders write the same impacts: what is compared is one and the same work."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from benchmarks import checkpoints, encoding, memory
from benchmarks.agreement import agreement, read_impacts
from benchmarks.encoding import agreements, contenders, token_counts
from benchmarks.encoding_tables import tables
from benchmarks.texts import exact_lengths, write_corpus
from benchmarks.worker import Work
from hyper_ir.encode import engine
from tests.java_here import java_or_skip
from tests.tiny_models import TEXTS, save_checkpoint, tokenizer

SOME = [text for text in TEXTS if text]
LENGTH = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("encoders")
    save_checkpoint(made / "model", spare_rows=0)  # Pyserini knows no rows without a token
    write_corpus(made / "corpus.jsonl", SOME)
    return made


def encoded(folder: Path, name: str, **more: Any) -> dict[str, Any]:
    (side,) = contenders(folder / "model", LENGTH, "cpu", [name])
    module, _, factory = side.factory.partition(":")
    work: Work = getattr(importlib.import_module(module), factory)(**side.settings)
    task = {"corpus": str(folder / "corpus.jsonl"), "output": str(folder / name)}

    return work({**task, **more})


def test_sentence_transformers_and_ours_write_the_same_impacts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "tokenised", engine.tokenised)  # the clock put there goes again
    assert encoded(folder, "sentence-transformers")["seconds"] > 0
    answer = encoded(folder, "hyper_ir exact", parts=True)
    assert answer["type"] == "float32"
    assert set(answer["parts"]) == {"tokenising", "transformer", "head"}
    assert 0 < sum(answer["parts"].values()) < answer["seconds"]
    found = agreements(folder, ["sentence-transformers", "hyper_ir exact"])["hyper_ir exact"]
    assert found["share"] > 0.98  # a weight next to a half may round the other way
    assert found["greatest"] <= 1
    assert found["terms"] > 5


@pytest.mark.jvm
def test_pyserini_writes_them_too(folder: Path) -> None:
    java_or_skip()
    encoded(folder, "pyserini")
    encoded(folder, "hyper_ir exact")
    theirs, mine = read_impacts(folder / "pyserini"), read_impacts(folder / "hyper_ir exact")
    compared = agreement(theirs, mine)
    assert compared.share > 0.98
    assert compared.greatest <= 1


def test_unknown_contenders_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="only: ours is none of pyserini, sentence-transformers"):
        contenders(folder, LENGTH, "cpu", ["ours"])


@pytest.mark.parametrize("benchmark", [encoding, memory], ids=["encoding", "memory"])
def test_they_are_refused_before_a_model_is_made(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "make_checkpoint", None)
    with pytest.raises(ValueError, match="only: ours is none of pyserini, sentence-transformers"):
        benchmark.main(["--only", "ours"])


def test_tokens_are_counted_as_they_are_cut(folder: Path) -> None:
    counts = token_counts(folder / "model", SOME, LENGTH)
    assert len(counts) == len(SOME)
    assert max(counts) == LENGTH
    assert min(counts) < 12


def test_texts_of_exact_lengths() -> None:
    made = tokenizer("bert")
    texts = exact_lengths(made, 5, 17)
    assert len(set(texts)) == 5
    assert {len(ids) for ids in made(texts)["input_ids"]} == {17}


def test_the_tables_are_made_of_the_numbers() -> None:
    parts = {"tokenising": 0.1, "transformer": 0.5, "head": 0.3}
    run = {"seconds": 1.0, "parts": parts, "type": "float32"}
    agreed = {"pairs": 9, "identical": 9, "share": 1.0, "greatest": 0, "terms": 4.5}
    peak = {"float32": 2e10, "bfloat16": 4e10, "int8": 0.0}
    shapes = {
        "minilm": {
            "token_counts": [100, 50],
            "seconds": {"sentence-transformers": [4.0, 6.0], "hyper_ir exact": [1.0, 2.0]},
            "parts": {"hyper_ir exact": [run, run]},
            "peaks": [peak, peak],
            "agreement": {"sentence-transformers": agreed, "hyper_ir exact": agreed},
        }
    }
    speed, bounds, peaks, counted, hours = tables(shapes, "cuda")
    own = next(line for line in speed.splitlines() if "hyper_ir exact" in line)
    # 2 texts in 1 and 2 seconds; 4 and 3 times as fast; Pyserini did not take part.
    assert "| 1.5 (1.0–2.0) | 3.50 (3.00–4.00) |  | 100.0000% | 0 | 4 |" in own
    # 150 tokens of MiniLM's transformer, counted by hand: 12·384²·6·2 + 384²·2 a token, and
    # 4·384·6 for each pair of tokens.
    operations = 150 * (12 * 384**2 * 6 * 2 + 384**2 * 2) + 4 * 384 * 6 * (100**2 + 50**2)
    rate = f"{operations / 0.5 / 1e9:.0f} | {operations / 0.5 / 2e10:.0%} | float32"
    assert f"| 10.0% | 50.0% | 30.0% | 10.0% | {rate}" in bounds
    assert "| minilm | 20 (20–20) | 40 (40–40) | 0 (0–0) |" in peaks
    assert "| minilm | 75 |" in counted
    assert f"| minilm, hyper_ir exact | {0.75 * 36e6 / 3600:.1f} |" in hours
