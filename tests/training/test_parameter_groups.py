from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console
from torch import nn

from hyper_ir.models.retriever import Retriever
from hyper_ir.training.example_set import ExampleSet
from hyper_ir.training.parameter_groups import (
    Group,
    freeze_unreached,
    groups_table,
    parameter_groups,
    require_partition,
)
from hyper_ir.training.preparation import prepared
from hyper_ir.training.recipe import OptimiserConfig, Recipe
from tests.tiny_models import save_checkpoint
from tests.training.small_run import recipe

CONFIG = OptimiserConfig(backbone_rate=2e-5, prompt_rate=1e-3, weight_decay=0.1)


def made(folder: Path, **changes: object) -> tuple[Recipe, Retriever]:
    one = recipe(folder, **changes)
    return one, prepared(one, ExampleSet(one.data.examples))


@pytest.mark.parametrize("freeze", ["none", "document", "backbone"])
def test_each_trainable_parameter_is_in_exactly_one_group(tmp_path: Path, freeze: str) -> None:
    _, retriever = made(tmp_path, freeze=freeze)
    groups = parameter_groups(retriever, CONFIG)
    members = [id(p) for group in groups for p in group.parameters.values()]
    assert len(members) == len(set(members))
    assert set(members) == {id(p) for p in retriever.parameters() if p.requires_grad}
    rates = {group.name: group.rate for group in groups}
    assert rates["prompts"] == 1e-3
    assert ("backbone" in rates) == (freeze != "backbone")


def test_the_prefix_encoder_may_have_a_rate_of_its_own(tmp_path: Path) -> None:
    _, retriever = made(tmp_path, freeze="backbone")
    groups = parameter_groups(retriever, replace(CONFIG, prefix_rate=1e-2))
    assert [(group.name, group.rate) for group in groups] == [
        ("prompts", 1e-3),
        ("prefix encoder", 1e-2),
    ]
    names = {name.rpartition("prompts.")[2] for name in groups[1].parameters}
    assert names == {"prefix_down.weight", "prefix_up.weight"}
    assert len(groups[0].parameters) == len(list(retriever.query.prompts.parameters())) - 2  # type: ignore[union-attr]
    with pytest.raises(ValueError, match=r"optimiser\.prefix_rate: 0 is not above 0"):
        replace(CONFIG, prefix_rate=0)


def test_matrices_of_the_backbone_alone_decay(tmp_path: Path) -> None:
    _, retriever = made(tmp_path)
    for group in parameter_groups(retriever, CONFIG):
        for name, parameter in group.parameters.items():
            decays = parameter.ndim > 1 and ".prompts." not in name
            assert group.decay == (0.1 if decays else 0.0), name


def test_a_parameter_in_two_groups_or_in_none_is_an_error() -> None:
    model = nn.Linear(2, 2)
    both: dict[str, nn.Parameter] = dict(model.named_parameters())
    one = Group("one", 1.0, 0.0, {"weight": both["weight"]})
    with pytest.raises(ValueError, match="bias is in 0 groups"):
        require_partition(model, [one])
    with pytest.raises(ValueError, match="weight is in 2 groups"):
        require_partition(model, [one, Group("all", 1.0, 0.0, both)])
    model.requires_grad_(False)
    with pytest.raises(ValueError, match="nothing to train"):
        require_partition(model, [])


def test_what_no_gradient_reaches_is_frozen(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "encoder", masked_lm=False)
    tower = Retriever.from_pretrained(folder, head="dense").document
    names = freeze_unreached(tower)
    assert names
    assert all("pooler" in name for name in names)
    assert all(parameter.grad is None for parameter in tower.parameters())
    assert freeze_unreached(tower) == []


def test_the_table_shows_groups_and_what_is_frozen(tmp_path: Path) -> None:
    _, retriever = made(tmp_path, freeze="document")
    groups = parameter_groups(retriever, CONFIG)
    console = Console(width=120, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(groups_table(retriever, groups))
    text = capture.get()
    assert f"{groups[0].size:,}" in text
    frozen = sum(p.numel() for p in retriever.parameters() if not p.requires_grad)
    assert f"{frozen:,}" in text


def test_a_frozen_backbone_without_prompts_is_nothing_to_train(tmp_path: Path) -> None:
    one = recipe(tmp_path, freeze="backbone", prompts=None)
    with pytest.raises(ValueError, match="nothing to train"):
        prepared(one, ExampleSet(one.data.examples))


def test_the_query_tower_of_frozen_documents_is_its_own(tmp_path: Path) -> None:
    _, retriever = made(tmp_path, freeze="document")
    query = {id(parameter) for parameter in retriever.query.parameters()}
    document = {id(parameter) for parameter in retriever.document.parameters()}
    assert not query & document
    assert not any(parameter.requires_grad for parameter in retriever.document.parameters())
    assert torch.equal(
        retriever.query.backbone.word_embeddings, retriever.document.backbone.word_embeddings
    )
