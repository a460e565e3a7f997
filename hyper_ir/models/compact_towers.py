"""A compact retriever's towers: models made of their settings, filled with restored weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, PreTrainedModel

from hyper_ir.models.backbone import Backbone, quiet_transformers
from hyper_ir.models.checkpoint import read_object
from hyper_ir.models.compact_file import WEIGHTS_FILE, read_compact
from hyper_ir.models.config import RetrieverConfig
from hyper_ir.models.prompts import (
    PromptSynthesiser,
    load_prompt_config,
    save_prompt_config,
)
from hyper_ir.models.towers import Tower, dense_tower, grafted_head, masked_lm_tower

DOCUMENT, QUERY = "document", "query"
"""Names of the towers: of their folders, and before their tensors' names."""

GRAFTED = "transform.weight"
"""A tensor that a grafted head alone has."""


def save_settings(query: Tower, document: Tower, folder: Path) -> None:
    """Write what the towers are but for their weights, into a folder that is there."""
    _save_model_config(document.backbone.model, folder / DOCUMENT)
    if query.backbone is not document.backbone:
        _save_model_config(query.backbone.model, folder / QUERY)
    if query.prompts is not None:
        (folder / QUERY).mkdir(exist_ok=True)
        save_prompt_config(query.prompts.config, folder / QUERY)


def _save_model_config(model: PreTrainedModel, folder: Path) -> None:
    config = copy.deepcopy(model.config)
    config.architectures = [type(model).__name__]
    # A place on the machine that it was trained on says nothing elsewhere.
    config._name_or_path = ""
    config.save_pretrained(folder)


def load_towers(folder: Path, config: RetrieverConfig) -> tuple[Tower, Tower]:
    """The query tower and the document tower of a compact model's folder, in float32.

    Raises ValueError when a file is missing or damaged, or weights are not those of the settings.
    """
    tensors = read_compact(folder)
    with torch.random.fork_rng(devices=[]):
        document = _empty_tower(folder, DOCUMENT, tensors, config)
        query = document if config.shared else _empty_tower(folder, QUERY, tensors, config)
        if config.prompts:
            query = Tower(query.backbone, query.head, _empty_prompts(folder / QUERY, query))
    towers = nn.ModuleDict({QUERY: query, DOCUMENT: document})
    try:
        towers.load_state_dict(tensors)
    except RuntimeError as error:
        lines = " ".join(line.strip() for line in str(error).splitlines()[1:3])
        raise ValueError(
            f"{folder / WEIGHTS_FILE}: not the weights of the settings beside it: {lines}"
        ) from error
    return query, document


def _empty_tower(
    folder: Path, side: str, tensors: Mapping[str, Tensor], config: RetrieverConfig
) -> Tower:
    """A tower of the right shapes; its weights are not yet those of the file."""
    start = f"{side}.head."
    head = {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}
    masked = config.head == "lexical" and GRAFTED not in head
    model = _empty_model(folder / side, masked)
    if config.head == "dense":
        return dense_tower(model, config)
    if masked:
        return masked_lm_tower(model, config)
    backbone = Backbone(model)
    try:
        # Both towers may have one and the same restored tensor: a head's parameters are its own.
        own = {name: tensor.clone() for name, tensor in head.items()}
        return Tower(backbone, grafted_head(own, len(backbone.word_embeddings), config))
    except KeyError as error:
        raise ValueError(f"{folder / WEIGHTS_FILE}: {start}{error.args[0]} is missing") from error
    except ValueError as error:
        raise ValueError(f"{folder / WEIGHTS_FILE}: {error}") from error


def _empty_model(folder: Path, masked_lm: bool) -> PreTrainedModel:
    read_object(folder / "config.json")
    loader = AutoModelForMaskedLM if masked_lm else AutoModel
    with quiet_transformers():
        try:
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
            model = loader.from_config(config, dtype=torch.float32, trust_remote_code=False)
        except Exception as error:  # settings are a stranger's: they can fail in any way
            raise ValueError(f"{folder}: not a model that can be loaded: {error}") from error
    model.eval()
    assert isinstance(model, PreTrainedModel)
    return model


def _empty_prompts(folder: Path, query: Tower) -> PromptSynthesiser:
    layers = int(query.backbone.model.config.num_hidden_layers)
    prompts = PromptSynthesiser(load_prompt_config(folder), query.backbone.hidden_size, layers)
    return prompts.eval()
