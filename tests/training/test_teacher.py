"""Runs with a teacher: dense or lexical, given vectors or none, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from hyper_ir.models.retriever import Retriever
from hyper_ir.training import document_sources
from hyper_ir.training.distillation import Teaching
from hyper_ir.training.recipe import Recipe, TeacherConfig
from hyper_ir.training.run import train
from hyper_ir.training.teacher import Teacher
from tests import tiny_models
from tests.training.small_run import journal, recipe, without_dropout


def with_teacher(folder: Path, made: Recipe, **settings: object) -> Recipe:
    model = folder / "teacher"
    if not model.exists():
        tiny_models.save_checkpoint(model, seed=9)
    return replace(made, teacher=TeacherConfig(str(model), **settings))  # type: ignore[arg-type]


def newest(made: Recipe) -> dict[str, torch.Tensor]:
    checkpoint = Path(made.output) / "checkpoints" / "checkpoint-6"
    return load_file(checkpoint / "trained.safetensors")


@pytest.mark.parametrize("head", ["lexical", "dense"])
def test_a_student_nears_its_teacher(tmp_path: Path, head: str) -> None:
    made = with_teacher(tmp_path, recipe(tmp_path), head=head, weight=50.0, temperature=2.0)
    optimiser = replace(made.optimiser, max_steps=30)
    log = replace(made.log, every=1)
    made = replace(made, optimiser=optimiser, log=log, prompts=None)
    without_dropout(Path(made.model))
    train(made)
    losses = [line["loss/distillation"] for line in journal(made) if "loss" in line]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_the_teacher_stays_as_it_is_and_is_not_saved(tmp_path: Path) -> None:
    made = with_teacher(tmp_path, recipe(tmp_path), head="dense")
    model = made.teacher.model if made.teacher else ""
    before = Retriever.from_pretrained(model).weights_hash
    train(made)
    assert Retriever.from_pretrained(model).weights_hash == before
    assert not [name for name in newest(made) if "teacher" in name]
    assert (Path(made.output) / "teacher-vectors").is_dir()


def test_given_vectors_train_the_same_and_those_of_another_model_are_refused(
    tmp_path: Path,
) -> None:
    made = with_teacher(tmp_path, recipe(tmp_path), head="dense")
    train(made)
    vectors = str(Path(made.output) / "teacher-vectors")
    given = with_teacher(tmp_path, made, head="dense", vectors=vectors)
    given = replace(given, output=str(tmp_path / "given"))
    train(given)
    first, second = newest(made), newest(given)
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = tiny_models.save_checkpoint(tmp_path / "other", seed=3)
    teacher = TeacherConfig(str(other), vectors, head="dense")
    with pytest.raises(ValueError, match=r"teacher\.vectors: .* whose document encoder is not"):
        train(replace(made, teacher=teacher, output=str(tmp_path / "x")))


@pytest.mark.parametrize("head", ["dense", "lexical"])
def test_queries_that_come_twice_are_encoded_once(
    tmp_path: Path, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = with_teacher(tmp_path, recipe(tmp_path), head=head)
    asked: list[set[str]] = []
    told: list[Teaching] = []
    teaching = Teacher.teaching

    def noted(self: Teacher, **inputs: torch.Tensor) -> Teaching:
        asked.append(set(inputs))
        told.append(teaching(self, **inputs))
        return told[-1]

    monkeypatch.setattr(Teacher, "teaching", noted)
    train(made)
    folder = Path(made.output) / "teacher-queries"
    assert folder.is_dir() == (head == "dense")
    assert all(("query_vectors" in inputs) == (head == "dense") for inputs in asked)
    steps = len(told)
    assert steps >= (made.optimiser.max_steps or 0) > 0
    with monkeypatch.context() as patch:
        patch.setattr(document_sources, "_query_vectors", lambda *_: None)
        each = replace(made, output=str(tmp_path / "each"))
        train(each)
    assert not any("query_vectors" in inputs for inputs in asked[steps:])
    # What is learnt of it is no measure: Adam divides rounding by itself where nothing else is.
    for first, second in zip(told[:steps], told[steps:], strict=True):
        torch.testing.assert_close(first.queries, second.queries, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(first.documents, second.documents, rtol=1e-5, atol=1e-6)


def test_a_run_that_sees_no_query_twice_encodes_as_it_goes(tmp_path: Path) -> None:
    made = with_teacher(tmp_path, recipe(tmp_path), head="dense")
    made = replace(made, optimiser=replace(made.optimiser, max_steps=1))
    train(made)
    assert not (Path(made.output) / "teacher-queries").exists()


def test_a_teacher_changes_what_is_learnt(tmp_path: Path) -> None:
    plain = recipe(tmp_path)
    train(plain)
    taught = replace(with_teacher(tmp_path, plain), output=str(tmp_path / "taught"))
    train(taught)
    first, second = newest(plain), newest(taught)
    assert any(not torch.equal(first[name], second[name]) for name in first)


def test_words_of_the_documents_are_part_of_what_is_taught(tmp_path: Path) -> None:
    cosine = with_teacher(tmp_path, recipe(tmp_path), head="dense")
    train(cosine)
    hybrid = with_teacher(tmp_path, cosine, head="dense", bm25=2.0)
    hybrid = replace(hybrid, output=str(tmp_path / "hybrid"))
    train(hybrid)
    first, second = newest(cosine), newest(hybrid)
    assert any(not torch.equal(first[name], second[name]) for name in first)
    again = replace(hybrid, output=str(tmp_path / "again"))
    train(again)
    assert all(torch.equal(second[name], part) for name, part in newest(again).items())


def test_words_need_texts(tmp_path: Path) -> None:
    made = recipe(tmp_path)
    data = replace(made.data, corpus=None, vectors="somewhere")
    teacher = TeacherConfig("model", "vectors", bm25=0.3)
    with pytest.raises(ValueError, match=r"teacher\.bm25 needs the documents' texts"):
        replace(made, freeze="document", data=data, teacher=teacher)
    for weight in (-0.1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match=r"teacher\.bm25"):
            TeacherConfig("model", bm25=weight)


@pytest.mark.parametrize("name", ["weight", "temperature"])
def test_settings_that_cannot_be(name: str) -> None:
    with pytest.raises(ValueError, match=rf"teacher\.{name}"):
        TeacherConfig("model", **{name: 0.0})  # type: ignore[arg-type]


def test_a_teacher_without_texts_or_vectors_is_refused(tmp_path: Path) -> None:
    made = recipe(tmp_path)
    data = replace(made.data, corpus=None, vectors="somewhere")
    with pytest.raises(ValueError, match="teacher's documents"):
        replace(made, freeze="document", data=data, teacher=TeacherConfig("model"))
