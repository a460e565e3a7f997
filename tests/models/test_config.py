"""Settings files of a retriever: any value is checked, whoever wrote it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hyper_ir.models.config import RetrieverConfig
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompts import PromptSynthesiser, load_prompts, save_prompts
from hyper_ir.models.retriever import read_config

DEEP = "[" * 900 + "]" * 900
HUGE = "1" + "0" * 400


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("head", '"sparse"', "head: 'sparse'; known are lexical, dense"),
        ("head", "[]", "head: "),
        ("lexical_pooling", "null", "lexical_pooling: None"),
        ("activation", DEEP, "retriever.json: "),
        ("shared", "1", "shared: 1 is neither true nor false"),
        ("query_max_length", "true", "query_max_length: True is not a whole number"),
        ("query_max_length", "0", "query_max_length: 0 is not"),
        ("document_max_length", "2.5", "document_max_length: 2.5 is not"),
        ("name", "{}", "name: {} is not text"),
        ("format", "2", "format 2; 1 is known"),
        ("format", DEEP, "retriever.json: "),
        ("x" * 100_000, "1", "unexpected keyword"),
    ],
)
def test_a_retrievers_settings(tmp_path: Path, name: str, value: str, complaint: str) -> None:
    path = tmp_path / "retriever.json"
    whole = {**asdict(RetrieverConfig()), name: "HERE"}
    path.write_text(json.dumps(whole).replace('"HERE"', value))
    with pytest.raises(ValueError, match=complaint.replace("{}", r"\{\}")) as caught:
        read_config(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1000


SETTINGS = PromptConfig(prompts=2, length=3, query_hidden=5, prefix_hidden=2)


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    save_prompts(PromptSynthesiser(SETTINGS, 4, 2), tmp_path)
    load_prompts(tmp_path, 4, 2)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("temperature", HUGE, "temperature"),
        ("temperature", "NaN", "temperature"),
        ("dropout", f"-{HUGE}", "dropout"),
        ("mix", DEEP, "prompts.json"),
        ("prompts", "1000000000", "prompts is .* where .* is needed"),
        ("prompts", "1" + "0" * 18, "not the weights of"),
        ("query_hidden", HUGE, "not the weights of"),
        ("bias", "true", "is in one of the two alone"),
    ],
)
def test_prompts_settings_that_weights_do_not_bear_out_take_no_memory(
    prompts: Path, name: str, value: str, complaint: str
) -> None:
    whole = {**asdict(SETTINGS), name: "HERE"}
    (prompts / "prompts.json").write_text(json.dumps(whole).replace('"HERE"', value))
    with pytest.raises(ValueError, match=complaint):
        load_prompts(prompts, 4, 2)


def test_weights_of_another_type_are_told(prompts: Path) -> None:
    tensors = dict(PromptSynthesiser(SETTINGS, 4, 2).state_dict())
    save_file({**tensors, "more": torch.zeros(1)}, prompts / "prompts.safetensors")
    with pytest.raises(ValueError, match="more is in one of the two alone"):
        load_prompts(prompts, 4, 2)


@pytest.mark.parametrize("name", ["mix", "x" * 100_000])
def test_a_long_name_or_value_does_not_make_a_long_message(prompts: Path, name: str) -> None:
    whole = {**asdict(SETTINGS), name: "y" * 100_000}
    (prompts / "prompts.json").write_text(json.dumps(whole))
    with pytest.raises(ValueError, match=r"prompts\.json: ") as caught:
        load_prompts(prompts, 4, 2)
    assert len(str(caught.value)) < 1000
