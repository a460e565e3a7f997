"""Stores of a teacher's query vectors: the model's own, by text, made once."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from hyper_ir.encode.engine import padded, tokenised
from hyper_ir.models.retriever import Retriever
from hyper_ir.training import query_vectors
from hyper_ir.training.query_vectors import QueryVectors
from tests.tiny_models import TEXTS, save_checkpoint

QUERIES = [*TEXTS, "naïve 日本語 query", "two\nlines"]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    return Retriever.from_pretrained(save_checkpoint(tmp_path_factory.mktemp("m")), head="dense")


def vector(teacher: Retriever, text: str) -> torch.Tensor:
    rows = tokenised(teacher.tokenizer, [text], teacher.config.query_max_length)
    with torch.no_grad():
        return teacher.query.eval().encode(*padded(rows, 0)).vectors[0]


def test_vectors_are_those_of_the_model(
    teacher: Retriever, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_vectors, "WINDOW", 3)
    twice = [*QUERIES, *QUERIES]
    store = QueryVectors.build(tmp_path / "q", teacher, iter(twice), progress=False)
    assert len(store) == len(QUERIES)
    expected = torch.stack([vector(teacher, text) for text in reversed(QUERIES)])
    found = store.dense(QUERIES[::-1])
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(
        pickle.loads(pickle.dumps(store)).dense(QUERIES[:2]), store.dense(QUERIES[:2])
    )


def test_what_is_there_serves_fewer_queries_and_no_others(
    teacher: Retriever, tmp_path: Path
) -> None:
    folder = tmp_path / "q"
    QueryVectors.build(folder, teacher, QUERIES, progress=False)
    made = (folder / "store.json").stat().st_ino
    assert len(QueryVectors.build(folder, teacher, QUERIES[:2], progress=False)) == len(QUERIES)
    assert (folder / "store.json").stat().st_ino == made
    more = QueryVectors.build(folder, teacher, [*QUERIES, "more"], progress=False)
    assert "more" in more
    assert len(more) == len(QUERIES) + 1
    with pytest.raises(ValueError, match="it holds no query 'unknown'"):
        more.dense(["unknown"])


def test_another_models_vectors_are_made_anew(
    teacher: Retriever, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "q"
    before = QueryVectors.build(folder, teacher, QUERIES, progress=False).dense(QUERIES)
    other = Retriever.from_pretrained(save_checkpoint(tmp_path / "m", seed=5), head="dense")
    after = QueryVectors.build(folder, other, QUERIES, progress=False).dense(QUERIES)
    assert "made with another model" in capsys.readouterr().err
    assert not torch.allclose(before, after)


def test_another_poolings_vectors_are_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "q"
    save_checkpoint(tmp_path / "m")
    before, after = (
        QueryVectors.build(
            folder,
            Retriever.from_pretrained(tmp_path / "m", "dense", pooling),
            QUERIES,
            progress=False,
        ).dense(QUERIES)
        for pooling in ("cls", "mean")
    )
    assert not torch.allclose(before, after)


def test_a_folder_of_something_else_is_left_alone(teacher: Retriever, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="not a folder of query vectors"):
        QueryVectors.build(tmp_path, teacher, QUERIES, progress=False)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_damage_is_told(teacher: Retriever, tmp_path: Path) -> None:
    folder = tmp_path / "q"
    QueryVectors.build(folder, teacher, QUERIES, progress=False)
    path = folder / "vectors.npy"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"vectors\.npy"):
        QueryVectors(folder)
