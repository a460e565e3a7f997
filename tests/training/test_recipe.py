from __future__ import annotations

from typing import Any

import pytest

from hyper_ir.training.batch_config import BatchConfig
from hyper_ir.training.recipe import (
    DataConfig,
    LogConfig,
    OptimiserConfig,
    PromptSettings,
    Recipe,
    ValidationConfig,
)

DATA = DataConfig(examples=["examples.jsonl"], corpus="corpus.jsonl")


def test_a_preset_is_kept_but_for_what_is_changed() -> None:
    config = PromptSettings("released", length=7, bias=False).resolved()
    assert (config.length, config.bias) == (7, False)
    assert (config.mix, config.pool, config.temperature) == ("prefix", "after", 3.0)


def test_prefix_tuning_has_one_prefix() -> None:
    assert PromptSettings("prefix-tuning").resolved().prompts == 1
    with pytest.raises(ValueError, match="one static prefix"):
        PromptSettings("prefix-tuning", prompts=4).resolved()


def test_uniform_attention_needs_no_second_switch() -> None:
    config = PromptSettings(query_conditional=False).resolved()
    assert config.initialisation == "words"
    with pytest.raises(ValueError, match="kmeans"):
        PromptSettings(query_conditional=False, initialisation="kmeans").resolved()


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (BatchConfig, {"size": 0}, "batch.size"),
        (BatchConfig, {"negatives": -1}, "batch.negatives"),
        (BatchConfig, {"token_budget": 2}, "batch.token_budget"),
        (BatchConfig, {"grad_cache": True}, "chunk_tokens"),
        (OptimiserConfig, {"backbone_rate": 0.0}, "backbone_rate"),
        (OptimiserConfig, {"epochs": float("inf")}, "epochs"),
        (OptimiserConfig, {"warmup": 1.0}, "warmup"),
        (OptimiserConfig, {"max_steps": 0}, "max_steps"),
        (OptimiserConfig, {"clip": -1.0}, "clip"),
        (ValidationConfig, {"every": 0}, "validation.every"),
        (LogConfig, {"keep": 0}, "log.keep"),
        (LogConfig, {"save_every": 0}, "log.save_every"),
        (PromptSettings, {"queries": 0}, "prompts.queries"),
    ],
)
def test_settings_that_make_no_sense_are_named(
    kind: Any, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": DataConfig()}, r"data\.examples"),
        ({"data": DataConfig(examples=["x"])}, r"data\.corpus"),
        ({"data": DataConfig(examples=["x"]), "freeze": "document"}, "vectors"),
        ({"freeze": "document", "separate": True}, "separate"),
        ({"seed": -1}, "seed"),
        ({"prompts": PromptSettings(length=0)}, "length"),
        ({"data": DataConfig(["x"], "y", tasks=["nq"], leave_out=["nq"])}, "both taken"),
    ],
)
def test_a_recipe_that_cannot_run_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe("m", "o", **{"data": DATA} | changes)
