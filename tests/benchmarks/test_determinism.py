from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from benchmarks.determinism import before_quantisation, main, table
from benchmarks.determinism_data import write_pages, write_task
from benchmarks.differences import Row, floats, of_lines, of_vectors, of_weights
from benchmarks.verbs import Verbs
from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.kilt_tasks import read_kilt_task
from tests.lucene.conftest import write_vectors
from tests.tiny_models import TEXTS, save_checkpoint

WORDS = [
    f"w{number} word{number % 7} of text number {number} and more of it" for number in range(30)
]


def test_vectors_are_compared_by_text_and_term(tmp_path: Path) -> None:
    write_vectors(tmp_path / "a" / "v.jsonl", {"1": {"x": 2, "y": 1}, "2": {"x": 1}})
    write_vectors(tmp_path / "b" / "v.jsonl", {"1": {"x": 4, "y": 1}, "2": {"x": 1, "z": 1}})
    write_vectors(tmp_path / "c" / "w.jsonl", {"2": {"x": 1}, "1": {"x": 2, "y": 1}})
    row = of_vectors("other", tmp_path / "a", tmp_path / "b")
    assert row == Row("vectors", "other", 4, 2, 2.0, False)
    assert of_vectors("same", tmp_path / "a", tmp_path / "a").same_bytes
    assert of_vectors("order", tmp_path / "a", tmp_path / "c") == Row("vectors", "order", 3, 0, 0.0)


def test_lines(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n2\n3\n")
    (tmp_path / "b").write_text("1\n5\n")
    assert of_lines("run", "x", tmp_path / "a", tmp_path / "b") == Row(
        "run", "x", 3, 2, None, False
    )
    assert of_lines("run", "x", tmp_path / "a", tmp_path / "a").differing == 0


def test_weights(tmp_path: Path) -> None:
    for name, value in (("a", 1.0), ("b", 1.5), ("c", 1.0)):
        (tmp_path / name).mkdir()
        save_file({"w": torch.tensor([0.0, value])}, tmp_path / name / "m.safetensors")
    row = of_weights("weights", "x", tmp_path / "a", tmp_path / "b")
    assert row == Row("weights", "x", 2, 1, 0.5, False)
    assert of_weights("weights", "x", tmp_path / "a", tmp_path / "c").same_bytes
    (tmp_path / "d").mkdir()
    with pytest.raises(ValueError, match="other weights"):
        of_weights("weights", "x", tmp_path / "a", tmp_path / "d")


def test_the_table() -> None:
    rows = [Row("vectors", "again", 1000, 0, 0.0, True), Row("run", "x", 1000, 5, None, None)]
    assert table(rows).splitlines()[2:] == [
        "| vectors: again | 1,000 | 0 | 0 | 0 | yes |",
        "| run: x | 1,000 | 5 | 5.0e-03 |  | – |",
    ]


def test_weights_before_quantisation_by_batch_size(tmp_path: Path) -> None:
    model = save_checkpoint(tmp_path / "model")
    found = floats(model, [text for text in TEXTS if text], (1, 3, 6))
    assert found["texts"] == 6
    assert set(found["others"]) == {"3", "6"}
    assert all(0 <= one["absolute"] < 1e-3 for one in found["others"].values())
    assert "in batches of 3, " in before_quantisation(found)


def test_the_collection_is_one_of_kilt(tmp_path: Path) -> None:
    pages = write_pages(tmp_path / "p.jsonl", WORDS)
    backwards = write_pages(tmp_path / "b.jsonl", WORDS, backwards=True)
    passages = {p.id: p.fields for p in open_corpus(str(pages), format="kilt")}
    assert next(iter(passages)) == "0#0"
    again = {p.id: p.fields for p in open_corpus(str(backwards), format="kilt")}
    assert list(again) == list(passages)[::-1]
    assert again == passages
    tasks = list(read_kilt_task(write_task(tmp_path / "t.jsonl", WORDS)))
    assert [task.evidence for task in tasks] == [(("0",),), (("10",),), (("20",),)]
    for task in tasks:
        assert task.input in " ".join(passages[f"{task.evidence[0][0]}#0"].values())


def test_a_command_that_fails_is_told() -> None:
    with pytest.raises(ValueError, match=r"hyper_ir\.index: status 2: .*does not exist"):
        Verbs()("hyper_ir.index", "--impact", "--input", "none", "--index", "none.index")


def test_too_few_texts(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="texts: 9 are too few"):
        main(["--texts", "9", "--output", str(tmp_path)])


@pytest.mark.slow
@pytest.mark.jvm
def test_everything_is_made_twice(tmp_path: Path) -> None:
    model = save_checkpoint(tmp_path / "model")
    corpus = tmp_path / "corpus.jsonl"
    with open(corpus, "w") as handle:
        for number in range(120):
            text = f"{TEXTS[number % 5]} {number} {TEXTS[(number * 7 + 1) % 5]}"
            handle.write(json.dumps({"id": str(number), "contents": text}) + "\n")
    flags = ["--texts", "120", "--corpus", str(corpus), "--model", str(model), "--threads", "2"]
    main([*flags, "--output", str(tmp_path / "results")])
    found = json.loads((tmp_path / "results" / "determinism.json").read_text())
    rows = {f"{row['what']}: {row['changed']}": row for row in found["rows"]}
    for name in ("vectors: again", "vectors: 2 threads", "vectors: 2 processes"):
        assert rows[name]["same_bytes"], name
    for name in ("run, Lucene: again", "run, Lucene: 2 threads", "examples: again, 2 threads"):
        assert rows[name]["same_bytes"], name
    for name in ("weights, all trained: again", "weights, documents frozen: again"):
        assert rows[name]["same_bytes"], name
    assert all(row["greatest"] <= 1 for name, row in rows.items() if name.startswith("vectors"))
