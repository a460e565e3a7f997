"""How each tensor of a retriever is stored, and what is restored of it.

A matrix starts from the closest tensor that is there already (the document tower's own, for one of
the query tower; the word embeddings, for a grafted head), and what is left is quantised. Vectors
(biases, layer norms, a head's thresholds) stay in float32: they are 1 % of the weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from hyper_ir.compaction.precision import Precision
from hyper_ir.models.compact_file import (
    MEAN,
    PLAIN,
    ROW_SCALES,
    SCALES,
    Coding,
    Stored,
    decoded,
)
from hyper_ir.models.compact_towers import DOCUMENT, QUERY
from hyper_ir.models.quantisation import quantise
from hyper_ir.models.retriever import Retriever

SMALL = 1024
"""Matrices of fewer weights stay in float32."""

CLOSE = 0.5
"""What is left of a tensor beyond another one is a difference where its norm is less than this
share of the tensor's."""

TIED = 1e-5
"""A head's rows are made of word embeddings where they are no further from that: float32's
rounding is 6e-8."""


@dataclass
class Coded:
    """A retriever's tensors by name, the document tower's first.

    Attributes
    ----------
    codings, stored: for :func:`~hyper_ir.models.compact_file.write_compact`.
    restored: the weights that loading gives.
    kinds: of each tensor: one of :data:`~hyper_ir.compaction.precision.KINDS`, or ``"unused"``.
    """

    codings: dict[str, Coding] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    restored: Stored = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, kind: str, coding: Coding, stored: Stored | None = None) -> None:
        """Add a tensor; its base must be there."""
        self.codings[name], self.kinds[name] = coding, kind
        self.stored[name] = stored or {}
        self.restored[name] = decoded(name, coding, self.stored[name], self.restored)


def code(retriever: Retriever, precision: Precision) -> Coded:
    """Choose how each tensor of a retriever is stored.

    Raises ValueError for weights that are NaN or infinite, or of a type that is not known.
    """
    coded, seen = Coded(), dict[str, str]()
    for name, tensor in _in_order(retriever):
        kind = _kind(retriever, name, tensor)
        earlier = seen.setdefault(_digest(tensor), name)
        try:
            if kind == "unused":
                coded.add(name, kind, Coding(tuple(tensor.shape)))
            elif earlier != name:
                coded.add(name, kind, _like(tensor, base=earlier))
            elif tensor.ndim < 2 or tensor.numel() < SMALL or not tensor.is_floating_point():
                _add_plain(coded, name, kind, tensor)
            else:
                _add_matrix(coded, name, kind, tensor, retriever, precision)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return coded


def _in_order(retriever: Retriever) -> Iterator[tuple[str, Tensor]]:
    """All tensors: the document tower's first, and row numbers before the rows."""
    tensors = retriever.state_dict()
    order = sorted(
        tensors, key=lambda name: (name.startswith(f"{QUERY}."), tensors[name].is_floating_point())
    )
    return ((name, tensors[name].detach().cpu()) for name in order)


def _kind(retriever: Retriever, name: str, tensor: Tensor) -> str:
    side = name.partition(".")[0]
    tower = retriever.document if side == DOCUMENT else retriever.query
    if ".pooler." in name:
        # A backbone's states are taken in front of it.
        return "unused"
    if tensor.data_ptr() == tower.backbone.word_embeddings.data_ptr():
        return "embeddings"
    if name == f"{side}.head.weight":
        return "head"
    return "prompts" if name.startswith(f"{side}.prompts.") else "transformer"


def _digest(tensor: Tensor) -> str:
    digest = hashlib.sha256()
    digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return f"{tensor.dtype} {tuple(tensor.shape)} {digest.hexdigest()}"


def _like(tensor: Tensor, base: str = "", rows: str = "") -> Coding:
    return Coding(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), base, rows)


def _add_plain(coded: Coded, name: str, kind: str, tensor: Tensor) -> None:
    small = tensor if tensor.is_floating_point() else tensor.to(torch.int32)
    coded.add(name, kind, replace(_like(tensor), bits=32), {name: small.clone()})


def _add_matrix(
    coded: Coded,
    name: str,
    kind: str,
    tensor: Tensor,
    retriever: Retriever,
    precision: Precision,
) -> None:
    coding, stored, left, bits = _like(tensor), Stored(), tensor, int(getattr(precision, kind))
    for base, more in _bases(coded, name, tensor, retriever):
        beyond = tensor - decoded(name, base, more, coded.restored)
        if beyond.norm() < min(CLOSE * tensor.norm(), left.norm()):
            coding, stored, left, bits = base, more, beyond, precision.differences
    if coding.rows and _tied(name, tensor, retriever):
        coded.add(name, kind, coding, stored)
        return
    coding = replace(coding, bits=bits, group=0 if bits in PLAIN else precision.group)
    coded.add(name, kind, coding, stored | _parts(name, left, coding))


def _parts(name: str, left: Tensor, coding: Coding) -> Stored:
    if coding.bits in PLAIN:
        return {name: left.half() if coding.bits == 16 else left.clone()}
    codes = quantise(left, coding.bits, coding.group)
    return {name: codes.packed, name + SCALES: codes.scales}


def _bases(
    coded: Coded, name: str, tensor: Tensor, retriever: Retriever
) -> Iterator[tuple[Coding, Stored]]:
    """What a matrix may start from."""
    side, _, rest = name.partition(".")
    counterpart = f"{DOCUMENT}.{rest}"
    if side == QUERY and coded.restored.get(counterpart, torch.empty(0)).shape == tensor.shape:
        yield _like(tensor, base=counterpart), {}
    rows, table = f"{side}.head.tokens", _table(coded, side)
    if name == f"{side}.head.weight" and rows in coded.restored and table:
        # The rows are fitted to the embeddings that loading gives.
        mean = _embeddings(retriever, side).mean(dim=0)
        centred = coded.restored[table][coded.restored[rows]] - mean
        scales = _row_scales(tensor, centred)
        yield _like(tensor, table, rows), {name + ROW_SCALES: scales, name + MEAN: mean}


def _table(coded: Coded, side: str) -> str:
    names = (name for name, kind in coded.kinds.items() if kind == "embeddings")
    return next((name for name in names if name.startswith(f"{side}.")), "")


def _embeddings(retriever: Retriever, side: str) -> Tensor:
    tower = retriever.document if side == DOCUMENT else retriever.query
    return tower.backbone.word_embeddings.detach().cpu()


def _tied(name: str, tensor: Tensor, retriever: Retriever) -> bool:
    """Whether a head's rows are centred word embeddings but for their lengths, as grafted."""
    side = name.partition(".")[0]
    table = _embeddings(retriever, side)
    tokens = retriever.get_submodule(f"{side}.head").get_buffer("tokens").cpu()
    centred = table[tokens] - table.mean(dim=0)
    beyond = tensor - centred * _row_scales(tensor, centred).unsqueeze(1)
    return bool(beyond.norm() <= TIED * tensor.norm())


def _row_scales(tensor: Tensor, rows: Tensor) -> Tensor:
    """For each row of ``tensor`` the factor by which its product with the row of ``rows`` is right.

    The closest row would be shorter: every logit would then be a little too low.
    """
    products = (tensor * rows).sum(dim=1)
    return tensor.square().sum(dim=1) / torch.where(products == 0, 1, products)
