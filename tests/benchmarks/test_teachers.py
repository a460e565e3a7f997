"""The scores of teachers against definitions, and the command on a small collection."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import teachers
from hyper_ir.encode.__main__ import main as encode
from tests import tiny_models


def test_r_precision_counts_pages_once() -> None:
    assert teachers.r_precision(["a", "a", "b", "c"], {"a", "c"}) == 0.5
    assert teachers.r_precision(["c", "a"], {"a", "c"}) == 1
    assert teachers.r_precision([], {"a"}) == 0


def test_the_sum_gives_the_best_match_the_weight() -> None:
    products = np.array([[0.5, 0.25], [0.125, 0.25]], dtype=np.float32)
    words = np.array([[4.0, 8.0], [0.0, 0.0]], dtype=np.float32)
    found = teachers.fused(products, words, 0.5)
    np.testing.assert_array_equal(found, [[0.75, 0.75], [0.125, 0.25]])


def test_pages_stand_by_their_best_document() -> None:
    scores = np.array([[1.0, 5.0, 3.0, 4.0]], dtype=np.float32)
    pages = np.array(["a", "b", "a", "c"])
    assert teachers.best_pages(scores, pages, 3) == [["b", "c", "a"]]
    assert teachers.best_pages(scores, pages, 9) == [["b", "c", "a", "a"]]


def test_the_command_finds_words_where_vectors_know_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = {f"p{number}#0": f"word{number} is here" for number in range(12)}
    corpus, examples = tmp_path / "corpus.jsonl", tmp_path / "examples.jsonl"
    lines = [json.dumps({"id": id, "contents": text}) for id, text in texts.items()]
    corpus.write_text("\n".join(lines), encoding="utf-8")
    made = [
        {"id": f"q{number}", "query": f"where is word{number}", "task": "t"}
        | {"positive_ids": [f"p{number}#0"], "negative_ids": [f"p{(number + 1) % 12}#0"]}
        for number in range(12)
    ]
    examples.write_text("\n".join(map(json.dumps, made)), encoding="utf-8")
    model = tiny_models.save_checkpoint(tmp_path / "model")
    kind = ("--encoder-class", "dense", "--pooling", "mean")
    words = ["input", "--corpus", str(corpus), "output", "--embeddings", str(tmp_path / "vectors")]
    encode([*words, "encoder", "--encoder", str(model), *kind])
    capsys.readouterr()
    teachers.main(
        [
            *("--examples", str(examples), "--corpus", str(corpus), "--encoder", str(model)),
            *("--vectors", str(tmp_path / "vectors"), "--output", str(tmp_path)),
            *("--weights", "0", "100"),
        ]
    )
    found = json.loads((tmp_path / "teachers.json").read_text(encoding="utf-8"))["r_precision"]
    assert found["BM25"] == {"t": 1, "average": 1}
    assert found["cosine + 100 BM25"]["t"] == 1
    assert found["cosine + 0 BM25"]["t"] < 1
    assert "| BM25 | 1.000 | 1.000 |" in capsys.readouterr().out
