"""A tiny model with prompts, and topics of three tasks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from hyper_ir.analysis.prompt_attention import PromptAttention
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompt_initialisation import new_prompts
from hyper_ir.models.retriever import Retriever
from tests.tiny_models import save_checkpoint

CONFIG = PromptConfig(
    prompts=5,
    length=4,
    query_hidden=8,
    prefix_hidden=6,
    initialisation="normal",
    initialisation_scale=3.0,
)

TEXTS = {
    "nq": "who is vaccinated against the flu number {}",
    "wow": "Zebras graze. How does influenza spread? A prefix is synthesised for {} of them all.",
    "fever": "The boundary layer {} on a swept wing becomes turbulent.",
}


def retriever(folder: Path, config: PromptConfig | None = CONFIG) -> Retriever:
    made = Retriever.from_pretrained(save_checkpoint(folder))
    if config is None:
        return made
    torch.manual_seed(0)  # prompts are drawn
    return made.with_prompts(new_prompts(config, made.query.backbone))


def saved(folder: Path, config: PromptConfig | None = CONFIG) -> str:
    retriever(folder / "backbone", config).save_pretrained(folder / "model")
    return str(folder / "model")


def topics(folder: Path, count: int = 12) -> list[str]:
    """KILT files, one a task, whose names name them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for task, text in TEXTS.items():
        path = folder / f"{task}-dev-kilt.jsonl"
        records = [
            {"id": f"{task}{n}", "input": text.format(n), "output": []} for n in range(count)
        ]
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        paths.append(str(path))
    return paths


def attention(
    sizes: tuple[int, ...] = (5, 7, 4), prompts: int = 6, seed: int = 0
) -> PromptAttention:
    """Random attention: each task has prompts of its own that it likes."""
    rng = np.random.default_rng(seed)
    members = np.repeat(np.arange(len(sizes)), sizes)
    liked = np.eye(prompts)[members % prompts] * 4
    shares = np.exp(liked + rng.normal(0, 1, (len(members), prompts)))
    shares /= shares.sum(axis=1, keepdims=True)
    names = [f"task{place}" for place in range(len(sizes))]
    ids = [f"q{place}" for place in range(len(members))]
    return PromptAttention(names, members, ids, [f"text of {id}" for id in ids], shares)
