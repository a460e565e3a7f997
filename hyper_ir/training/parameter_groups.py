"""The optimiser's groups: each trainable parameter in exactly one, and a table that shows it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from rich.table import Table
from torch import nn

from hyper_ir.models.retriever import Retriever
from hyper_ir.models.towers import Tower
from hyper_ir.training.recipe import OptimiserConfig


@dataclass(frozen=True)
class Group:
    """Parameters that share a learning rate.

    Attributes
    ----------
    name: what they are.
    rate: their greatest learning rate.
    decay: their weight decay.
    parameters: by name.
    """

    name: str
    rate: float
    decay: float
    parameters: dict[str, nn.Parameter]

    @property
    def size(self) -> int:
        """How many numbers they are."""
        return sum(parameter.numel() for parameter in self.parameters.values())


def freeze_unreached(tower: Tower) -> list[str]:
    """Freeze the tower's parameters that no gradient can reach, and return their names.

    Checkpoints bring some along (BERT's pooler). Optimising them would only decay them, and DDP
    would wait for their gradients.
    """
    device = tower.backbone.word_embeddings.device
    ids = torch.zeros((1, 3), dtype=torch.long, device=device)
    with torch.enable_grad():
        encoding = tower.encode(ids, torch.ones_like(ids))
        found = encoding.vectors.sum()
        if encoding.prompt_attention is not None:
            found = found + encoding.prompt_attention.sum()
        torch.autograd.backward(found)
    unreached = []
    for name, parameter in tower.named_parameters():
        if parameter.requires_grad and parameter.grad is None:
            parameter.requires_grad_(False)
            unreached.append(name)
        parameter.grad = None
    return unreached


def parameter_groups(retriever: Retriever, config: OptimiserConfig) -> list[Group]:
    """Prompts and prefix encoder at their rates, the rest at the backbone's; its matrices decay.

    Raises
    ------
    ValueError
        When nothing is trainable, or a trainable parameter is in no group or in two.
    """
    groups = [
        Group("prompts", config.prompt_rate, 0.0, {}),
        Group("prefix encoder", config.prefix_rate or config.prompt_rate, 0.0, {}),
        Group("backbone", config.backbone_rate, config.weight_decay, {}),
        Group("backbone, no decay", config.backbone_rate, 0.0, {}),
    ]
    prompts, prefix, matrices, others = groups
    for name, parameter in retriever.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith("query.prompts.prefix_") and config.prefix_rate is not None:
            prefix.parameters[name] = parameter
        elif name.startswith("query.prompts."):
            prompts.parameters[name] = parameter
        elif parameter.ndim > 1:
            matrices.parameters[name] = parameter
        else:
            others.parameters[name] = parameter
    kept = [group for group in groups if group.parameters]
    require_partition(retriever, kept)
    return kept


def require_partition(retriever: nn.Module, groups: list[Group]) -> None:
    """Raise ValueError unless each trainable parameter is in exactly one group, and no other is."""
    trainable = {id(p): name for name, p in retriever.named_parameters() if p.requires_grad}
    if not trainable:
        raise ValueError(
            "there is nothing to train: freeze leaves no parameter; a frozen backbone needs prompts"
        )
    places: dict[int, list[str]] = {key: [] for key in trainable}
    for group in groups:
        for name, parameter in group.parameters.items():
            if id(parameter) not in places:
                raise ValueError(f"group {group.name}: {name} is not a trainable parameter")
            places[id(parameter)].append(group.name)
    for key, names in places.items():
        if len(names) != 1:
            raise ValueError(
                f"parameter {trainable[key]} is in {len(names)} groups of the optimiser, not in one"
            )


def groups_table(retriever: nn.Module, groups: list[Group]) -> Table:
    """The groups and what is frozen, as a table for the terminal."""
    table = Table(title="what is trained", title_justify="left")
    for column in ("group", "tensors", "parameters", "learning rate", "weight decay"):
        table.add_column(column, justify="left" if column == "group" else "right")
    for group in groups:
        sizes = f"{len(group.parameters):,}", f"{group.size:,}"
        table.add_row(group.name, *sizes, f"{group.rate:g}", f"{group.decay:g}")
    frozen = [parameter for parameter in retriever.parameters() if not parameter.requires_grad]
    if frozen:
        size = sum(parameter.numel() for parameter in frozen)
        table.add_row("frozen", f"{len(frozen):,}", f"{size:,}", "", "")
    return table
