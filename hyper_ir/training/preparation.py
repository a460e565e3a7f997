"""What a recipe trains: the model it starts from, its prompts, and what of it is frozen."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import torch
from torch import Tensor

from hyper_ir.encode.engine import padded, tokenised
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompt_initialisation import new_prompts
from hyper_ir.models.prompts import PromptSynthesiser
from hyper_ir.models.retriever import Retriever
from hyper_ir.training.example_set import ExampleSet, sample_of
from hyper_ir.training.model import is_lexical
from hyper_ir.training.objectives import ObjectiveConfig
from hyper_ir.training.parameter_groups import freeze_unreached
from hyper_ir.training.recipe import Recipe

QUERIES_AT_ONCE = 64


def prepared(recipe: Recipe, examples: ExampleSet) -> Retriever:
    """The retriever to train, on the CPU, with its prompts started and its frozen parts frozen.

    Raises
    ------
    ValueError
        When the model cannot be loaded or take prompts, or nothing of it would be trained.
    """
    retriever = Retriever.from_pretrained(recipe.model, recipe.head, recipe.dense_pooling)
    retriever = with_lengths(retriever, recipe)
    prompts = _prompts(recipe, retriever, examples)
    own = recipe.freeze == "document" or recipe.separate
    retriever = retriever.with_prompts(prompts, own_backbone=own)
    freeze(retriever, recipe)
    return retriever


def with_lengths(retriever: Retriever, recipe: Recipe) -> Retriever:
    """The retriever with the recipe's lengths; ValueError for more than its positions hold."""
    config = retriever.config
    config = replace(
        config,
        query_max_length=recipe.batch.query_length or config.query_max_length,
        document_max_length=recipe.batch.document_length or config.document_max_length,
    )
    for name, tower in (("query", retriever.query), ("document", retriever.document)):
        length, most = getattr(config, f"{name}_max_length"), tower.backbone.max_length
        if length > most:
            raise ValueError(f"batch.{name}_length: {length} tokens; {recipe.model} holds {most}")
    retriever.config = config
    return retriever


def freeze(retriever: Retriever, recipe: Recipe) -> None:
    """Freeze what the recipe leaves as it is, and what no gradient reaches."""
    if recipe.freeze != "none":
        retriever.document.requires_grad_(False)
    if recipe.freeze == "backbone":
        retriever.query.backbone.requires_grad_(False)
        retriever.query.head.requires_grad_(False)
    if recipe.freeze_vocabulary:
        for tower in (retriever.query, retriever.document):
            tower.backbone.word_embeddings.requires_grad_(False)
            tower.head.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in retriever.parameters()):
        raise ValueError(
            f"freeze: {recipe.freeze} without prompts leaves nothing to train; "
            "give prompts, or freeze less"
        )
    for tower in {id(tower): tower for tower in (retriever.query, retriever.document)}.values():
        if any(parameter.requires_grad for parameter in tower.parameters()):
            freeze_unreached(tower)


def objective_of(recipe: Recipe, retriever: Retriever) -> ObjectiveConfig:
    """The recipe's objective, without FLOPS of vectors that are dense or frozen."""
    config = recipe.objective
    if not is_lexical(retriever):
        return replace(config, flops_query=0.0, flops_document=0.0)
    return config if recipe.freeze == "none" else replace(config, flops_document=0.0)


def _prompts(
    recipe: Recipe, retriever: Retriever, examples: ExampleSet
) -> PromptSynthesiser | None:
    if recipe.prompts is None:
        return None
    config = recipe.prompts.resolved()
    if retriever.query.prompts is not None:
        require_same_prompts(config, retriever.query.prompts.config, recipe.model)
        return retriever.query.prompts
    queries: Iterator[tuple[Tensor, Tensor]] = iter(())
    if config.starts_from_queries:
        per_task = -(-recipe.prompts.queries // len(examples.tasks))
        sample = sample_of(examples, per_task, recipe.seed)
        queries = query_batches(retriever, [example.query for example in sample])
    return new_prompts(config, retriever.query.backbone, queries, recipe.seed)


def require_same_prompts(wanted: PromptConfig, there: PromptConfig, model: str) -> None:
    """Raise ValueError where a recipe asks for other prompts than its model has already.

    How they once started does not count.
    """
    start = {"initialisation", "initialisation_scale", "prefix_initialisation"}
    differing = [
        field.name
        for field in fields(PromptConfig)
        if field.name not in start and getattr(wanted, field.name) != getattr(there, field.name)
    ]
    if differing:
        name = differing[0]
        raise ValueError(
            f"prompts: {model} has prompts with {name} {getattr(there, name)}, the recipe asks for "
            f"{getattr(wanted, name)} (differing: {', '.join(differing)}); give the model's own "
            "settings to train them on, or prompts null to train without"
        )


def query_batches(retriever: Retriever, texts: Sequence[str]) -> Iterator[tuple[Tensor, Tensor]]:
    """Ids and masks, both (batch, length), of queries' texts, for what starts from queries."""
    tokenizer = retriever.tokenizer
    length = retriever.config.query_max_length
    for start in range(0, len(texts), QUERIES_AT_ONCE):
        rows = tokenised(tokenizer, texts[start : start + QUERIES_AT_ONCE], length)
        yield padded(rows, tokenizer.pad_token_id or 0)


def compile_backbones(retriever: Retriever) -> None:
    """torch.compile each transformer in place: names of parameters stay."""
    for backbone in {
        id(tower.backbone): tower.backbone for tower in (retriever.query, retriever.document)
    }.values():
        backbone.model.compile(dynamic=True)


def checkpoint_layers(retriever: Retriever) -> None:
    """Compute each layer again for the gradient, where something of a backbone is trained."""
    for tower in (retriever.query, retriever.document):
        tower.backbone.model.gradient_checkpointing_enable(
            gradient_checkpointing_kwargs={"use_reentrant": False}
        )


def quiet_tokenizers() -> None:
    """Keep tokenizers to one thread in the loader's workers, which are forked."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def check_loggers(recipe: Recipe) -> None:
    """Raise ValueError for a logger that is asked for and not installed."""
    for name in ("tensorboard", "wandb"):
        if getattr(recipe.log, name) and importlib.util.find_spec(name) is None:
            raise ValueError(f"log.{name}: it is not installed; pip install {name}")


def chosen_device(name: str) -> torch.device:
    """The device that a recipe's ``device`` means here."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: cuda is asked for, and torch finds no GPU here")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
