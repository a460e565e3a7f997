"""Whole runs with a tiny model: what they write, that they resume exactly, what they refuse."""

from __future__ import annotations

import importlib.util
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback

from hyper_ir.models.retriever import Retriever
from hyper_ir.training import run as run_module
from hyper_ir.training.batch_config import BatchConfig
from hyper_ir.training.recipe import PromptSettings, Recipe
from hyper_ir.training.run import train
from hyper_ir.training.trainer import HyperTrainer
from tests import tiny_models
from tests.training.small_run import journal, recipe


def parameters(made: Recipe) -> dict[str, torch.Tensor]:
    newest = max(
        (Path(made.output) / "checkpoints").glob("checkpoint-*"),
        key=lambda path: int(path.name.rpartition("-")[2]),
    )
    return load_file(newest / "trained.safetensors")


class StopAt(TrainerCallback):  # type: ignore[misc]
    """Ctrl-C in the middle of a run."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self.step:
            raise KeyboardInterrupt


def test_a_run_leaves_a_model_that_loads_with_its_card_and_log(tmp_path: Path) -> None:
    made = recipe(tmp_path)
    result = train(made)
    assert result.steps == 6
    retriever = Retriever.from_pretrained(result.model)
    assert retriever.query.prompts is not None
    card = (result.model / "README.md").read_text(encoding="utf-8")
    assert "| long | 8 |" in card
    assert f"{result.scores['validation/mean']:.4f}" in card
    lines = journal(made)
    validated = [line for line in lines if "validation/mean" in line]
    assert [line["step"] for line in validated] == [0, 3, 6]
    assert result.scores["validation/mean"] == max(line["validation/mean"] for line in validated)
    logged = next(line for line in lines if "loss" in line)
    shares = [value for name, value in logged.items() if name.startswith("share/")]
    assert sum(shares) == pytest.approx(1)
    assert not list((tmp_path / "run").glob("best-*"))


@pytest.mark.parametrize("freeze", ["none", "document"])
@pytest.mark.parametrize("workers", [0, 1])
def test_an_interrupted_run_ends_with_the_very_parameters_of_an_unbroken_one(
    tmp_path: Path, freeze: Any, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = BatchConfig(size=4, negatives=2, workers=workers)
    made = recipe(tmp_path, freeze=freeze, batch=batch)
    train(made)
    unbroken, log = parameters(made), journal(made)
    broken = replace(made, output=str(tmp_path / "broken"))
    trainer = HyperTrainer

    class Interrupted(trainer):  # type: ignore[misc, valid-type]
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.add_callback(StopAt(5))

    monkeypatch.setattr(run_module, "HyperTrainer", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(broken)
    monkeypatch.setattr(run_module, "HyperTrainer", trainer)
    train(broken, resume=True)
    again = parameters(broken)
    assert again.keys() == unbroken.keys()
    assert all(torch.equal(again[name], unbroken[name]) for name in again)
    assert journal(broken) == log
    shutil.rmtree(tmp_path / "broken" / "checkpoints")
    assert train(broken, resume=True).steps == 6, "a finished run is not trained again"


def test_frozen_documents_keep_their_vectors_and_are_encoded_once(tmp_path: Path) -> None:
    made = recipe(tmp_path, freeze="document")
    start = Retriever.from_pretrained(made.model)
    result = train(made)
    trained = Retriever.from_pretrained(result.model)
    before, after = start.document.state_dict(), trained.document.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert len((Path(made.output) / "vectors" / "embeddings.jsonl").read_text().splitlines()) == 30
    given = replace(
        made,
        output=str(tmp_path / "given"),
        data=replace(made.data, vectors=str(Path(made.output) / "vectors"), corpus=None),
    )
    train(given)
    assert all(
        torch.equal(parameters(given)[name], value) for name, value in parameters(made).items()
    )


def test_vectors_of_another_document_encoder_are_refused(tmp_path: Path) -> None:
    made = recipe(tmp_path, freeze="document")
    first = train(made)
    vectors = str(Path(made.output) / "vectors")
    data = replace(made.data, vectors=vectors)
    further = replace(made, model=str(first.model), output=str(tmp_path / "further"), data=data)
    train(further)  # its document encoder is still the one that made them
    other = tiny_models.save_checkpoint(tmp_path / "other", seed=5)
    with pytest.raises(ValueError, match="whose document encoder is not"):
        train(replace(made, model=str(other), output=str(tmp_path / "x"), data=data))
    assert not (tmp_path / "x" / "log.jsonl").exists()


def test_a_frozen_backbone_trains_prompts_alone(tmp_path: Path) -> None:
    made = recipe(tmp_path, freeze="backbone")
    train(made)
    assert all(name.startswith("retriever.query.prompts.") for name in parameters(made))


def test_a_frozen_vocabulary_is_the_documents_own(tmp_path: Path) -> None:
    made = recipe(tmp_path, freeze="document", freeze_vocabulary=True)
    result = train(made)
    trained = Retriever.from_pretrained(result.model)
    query, document = trained.query, trained.document
    assert torch.equal(query.backbone.word_embeddings, document.backbone.word_embeddings)
    heads = query.head.state_dict(), document.head.state_dict()
    assert all(torch.equal(heads[0][name], heads[1][name]) for name in heads[0])
    names = list(parameters(made))
    assert any(".query.backbone." in name for name in names)
    assert not [name for name in names if "word_embeddings" in name or ".head." in name]


def test_a_dense_model_trains_as_a_lexical_one_does(tmp_path: Path) -> None:
    made = recipe(tmp_path, head="dense", separate=True)
    result = train(made)
    assert Retriever.from_pretrained(result.model).config.head == "dense"
    logged = next(line for line in journal(made) if "loss" in line)
    assert not any("flops" in name or "active" in name for name in logged)


@pytest.mark.parametrize(
    "changes",
    [
        {"prompts": None},
        {"prompts": PromptSettings("prefix-tuning", length=3, prefix_hidden=5)},
        {"prompts": PromptSettings("released", prompts=3, length=2, query_hidden=4)},
        {"prompts": PromptSettings(prompts=3, length=2, query_conditional=False)},
        {"precision": "bf16"},
        {"gradient_checkpointing": True},
        {"batch": BatchConfig(size=4, negatives=2, accumulation=2)},
        {"batch": BatchConfig(size=4, negatives=1, token_budget=48)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_system_trains(tmp_path: Path, changes: dict[str, Any]) -> None:
    result = train(recipe(tmp_path, **changes))
    assert result.steps == 6


def test_training_goes_on_from_a_trained_model_with_its_prompts(tmp_path: Path) -> None:
    first = train(recipe(tmp_path))
    few = recipe(tmp_path, model=str(first.model), output=str(tmp_path / "few"))
    few = replace(few, data=replace(few.data, per_task=2))
    second = train(few)
    old, new = (Retriever.from_pretrained(each.model) for each in (first, second))
    assert old.query.prompts is not None
    assert new.query.prompts is not None
    assert old.query.prompts.config == new.query.prompts.config
    assert journal(few)[0]["validation/short"] == pytest.approx(first.scores["validation/short"]), (
        "the first validation is of the model that it starts from"
    )


def test_output_of_another_recipe_or_of_nobody_is_refused(tmp_path: Path) -> None:
    made = recipe(tmp_path)
    Path(made.output).mkdir()
    (Path(made.output) / "thesis.tex").write_text("mine")
    with pytest.raises(ValueError, match="no training run"):
        train(made, overwrite=True)
    shutil.rmtree(made.output)
    train(made)
    with pytest.raises(ValueError, match="--resume"):
        train(made)
    shutil.rmtree(tmp_path / "run" / "model")
    with pytest.raises(ValueError, match=r"batch\.size, seed"):
        train(replace(made, seed=1, batch=replace(made.batch, size=2)), resume=True)


def test_examples_that_changed_are_no_resumption(tmp_path: Path) -> None:
    made = recipe(tmp_path)
    train(made)
    (tmp_path / "run" / "result.json").unlink()
    path = Path(made.data.examples[0])
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]), encoding="utf-8")
    with pytest.raises(ValueError, match="other examples"):
        train(made, resume=True)


def test_ids_that_the_corpus_lacks_are_named_before_training(tmp_path: Path) -> None:
    made = recipe(tmp_path)
    with open(made.data.examples[0], "a", encoding="utf-8") as handle:
        record = {"id": "q", "query": "x", "task": "long", "positive_ids": ["gone#9"]}
        handle.write(json.dumps(record | {"negative_ids": []}) + "\n")
    with pytest.raises(ValueError, match="gone#9"):
        train(made)
    assert not (tmp_path / "run" / "log.jsonl").exists()


def test_prompts_of_a_trained_model_are_kept_dropped_or_a_contradiction(tmp_path: Path) -> None:
    first = train(recipe(tmp_path))
    on = recipe(tmp_path, model=str(first.model), output=str(tmp_path / "on"))
    assert on.prompts is not None
    with pytest.raises(ValueError, match=r"length 3, the recipe asks for 5"):
        train(replace(on, prompts=replace(on.prompts, length=5)))
    started_otherwise = replace(on.prompts, initialisation="words")
    train(replace(on, prompts=started_otherwise))
    without = train(replace(on, prompts=None, output=str(tmp_path / "without")))
    assert Retriever.from_pretrained(without.model).query.prompts is None
    assert "no prompts" in (without.model / "README.md").read_text(encoding="utf-8")
    assert "4 x 3 positions" in (first.model / "README.md").read_text(encoding="utf-8")


def test_a_start_that_was_not_improved_on_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = recipe(tmp_path)
    rates = replace(made.optimiser, backbone_rate=1e-12, prompt_rate=1e-12)
    assert train(replace(made, optimiser=rates)).scores["step"] == 0
    assert "training did not improve on what it started from" in capsys.readouterr().err


def test_the_last_step_is_validated_once(tmp_path: Path) -> None:
    made = recipe(tmp_path)
    train(replace(made, validation=replace(made.validation, every=4)))
    steps = [line["step"] for line in journal(made) if "validation/mean" in line]
    assert steps == [0, 4, 6]


def test_a_run_killed_while_its_model_got_its_name_is_finished(tmp_path: Path) -> None:
    made = recipe(tmp_path)
    first = train(made)
    best = json.loads((tmp_path / "run" / "result.json").read_text())["best"]
    first.model.rename(tmp_path / "run" / f"best-{best}")
    assert train(made, resume=True) == first
    assert Retriever.from_pretrained(first.model).query.prompts is not None
    shutil.rmtree(first.model)
    with pytest.raises(ValueError, match="a finished run without its model"):
        train(made, resume=True)


def test_overwriting_starts_a_new_log_and_keeps_the_old_model_while_inputs_are_bad(
    tmp_path: Path,
) -> None:
    made = recipe(tmp_path)
    train(made)
    log = journal(made)
    bad = replace(made, data=replace(made.data, corpus=str(tmp_path / "train.jsonl")))
    with pytest.raises(ValueError, match=r"corpus|passage|document|text"):
        train(bad, overwrite=True)
    assert (tmp_path / "run" / "model").is_dir()
    train(made, overwrite=True)
    assert journal(made) == log


def test_a_run_killed_while_documents_were_prepared_starts_as_if_new(tmp_path: Path) -> None:
    made = recipe(tmp_path, freeze="document")
    train(made)
    for path in (tmp_path / "run").iterdir():
        if path.name not in ("documents", "vectors"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert train(made).steps == 6


def test_with_frozen_documents_missing_ids_are_named_before_anything_is_encoded(
    tmp_path: Path,
) -> None:
    made = recipe(tmp_path, freeze="document")
    with open(made.data.examples[0], "a", encoding="utf-8") as handle:
        record = {"id": "q", "query": "x", "task": "long", "positive_ids": ["gone#9"]}
        handle.write(json.dumps(record | {"negative_ids": []}) + "\n")
    with pytest.raises(ValueError, match=r"corpus\.jsonl: it lacks 1 document .* gone#9"):
        train(made)
    assert not (tmp_path / "run" / "vectors").exists()


def test_a_logger_that_is_not_there_is_told_before_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = recipe(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"log\.wandb: it is not installed"):
        train(replace(made, log=replace(made.log, wandb=True)))
    assert not Path(made.output).exists()


def test_tensorboard_gets_the_losss_terms(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    made = recipe(tmp_path)
    train(replace(made, log=replace(made.log, tensorboard=True)))
    (events,) = Path(made.output).rglob("events.out.tfevents*")
    read = accumulator.EventAccumulator(str(events.parent))
    read.Reload()
    tags = read.Tags()["scalars"] or read.Tags()["tensors"]
    assert any("share/ranking" in tag for tag in tags)
    assert any("validation/mean" in tag for tag in tags)


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    made = recipe(tmp_path)
    made = replace(made, optimiser=replace(made.optimiser, backbone_rate=1e30, clip=0.0))
    with pytest.raises(ValueError, match=r"step \d: the loss is nan"):
        train(made)
