"""Tiny retrievers of the kinds that are compacted."""

from __future__ import annotations

from pathlib import Path

import torch

from hyper_ir.encode.grafting import SampleConfig, graft
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompt_initialisation import new_prompts
from hyper_ir.models.retriever import Retriever
from tests.tiny_models import TEXTS, save_checkpoint

PROMPTS = PromptConfig(
    prompts=3, length=12, query_hidden=40, prefix_hidden=36, bias=True, initialisation="normal"
)


def grafted(folder: Path) -> Retriever:
    """One tower for both sides, with a grafted head."""
    encoder = save_checkpoint(folder / "encoder", masked_lm=False)
    retriever, _ = graft(str(encoder), TEXTS * 20, sample=SampleConfig(2000), progress=False)
    return retriever


def hyper(folder: Path, own_backbone: bool = False, moved: float = 0.02) -> Retriever:
    """A grafted model with prompts; with a query transformer that training moved a little."""
    retriever = grafted(folder)
    torch.manual_seed(5)
    prompts = new_prompts(PROMPTS, retriever.query.backbone)
    retriever = retriever.with_prompts(prompts, own_backbone)
    if own_backbone:
        with torch.no_grad():
            for parameter in retriever.query.backbone.model.encoder.parameters():
                parameter.add_(torch.randn_like(parameter) * moved * parameter.std())
    return retriever
