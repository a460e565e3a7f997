"""Give an encoder a lexical head, fitted on a collection's own texts."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from tqdm import tqdm

from hyper_ir.encode.engine import CPU_TOKENS, padded
from hyper_ir.models.backbone import Backbone
from hyper_ir.models.checkpoint import find_checkpoint
from hyper_ir.models.grafting import Graft, GraftConfig, graft_lexical_head
from hyper_ir.models.retriever import Retriever
from hyper_ir.models.towers import Tower

BATCH = 512
"""Texts tokenised at once."""

LENGTH = 128
"""Tokens of a text that a head is fitted on, where nothing is said."""


@dataclass(frozen=True)
class SampleConfig:
    """What the head is fitted on.

    Attributes
    ----------
    tokens: tokens that the regression sees, drawn from all over the collection.
    max_length: tokens a text is cut to; None for 128, or the model's own limit where that is less.
    max_documents: texts whose tokens are counted for document frequencies, the first ones.
    seed: of the draw.
    """

    tokens: int = 150_000
    max_length: int | None = None
    max_documents: int = 1_000_000
    seed: int = 42

    def __post_init__(self) -> None:
        for name in ("tokens", "max_documents"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: at least 1 is needed, not {getattr(self, name)}")
        if self.max_length is not None and self.max_length < 3:
            raise ValueError(f"max length: {self.max_length} leaves no room for a word")


def graft(
    model: str,
    texts: Iterable[str],
    config: GraftConfig | None = None,
    sample: SampleConfig | None = None,
    progress: bool = True,
) -> tuple[Retriever, Graft]:
    """Load an encoder and graft a lexical head on it; a shared lexical retriever comes back.

    The texts are read once: their tokens are counted, and a sample of them, drawn uniformly
    (Vitter's algorithm R), is what the regression is fitted on.

    Raises ValueError when the model is not a plain encoder, or there is too little text.
    """
    config, sample = config or GraftConfig(), sample or SampleConfig()
    checkpoint = find_checkpoint(model)
    if checkpoint.layout != "encoder":
        raise ValueError(f"{model}: it has a lexical head of its own; nothing to graft")
    dense = Retriever.from_pretrained(model, head="dense")
    sample = replace(sample, max_length=_length(sample, dense))
    frequency, documents, rows = _count(dense, texts, sample, progress)
    backbone = dense.document.backbone
    grafted = graft_lexical_head(
        backbone,
        _batches(rows, sample.tokens, dense.tokenizer.pad_token_id or 0, progress),
        frequency,
        documents,
        dense.tokenizer.all_special_ids,
        config,
    )
    tower = Tower(Backbone(backbone.model), grafted.head)
    settings = replace(dense.config, head="lexical", name=f"{dense.config.name}+graft")
    return Retriever(tower, tower, dense.tokenizer, settings), grafted


def _length(sample: SampleConfig, retriever: Retriever) -> int:
    """The tokens a text is cut to; ValueError for more than the model's positions hold."""
    if sample.max_length is None:
        return min(LENGTH, retriever.config.document_max_length)
    positions = retriever.document.backbone.max_length
    if sample.max_length > positions:
        raise ValueError(
            f"max length: {sample.max_length} is more than the {positions} positions of "
            f"{retriever.called}"
        )
    return sample.max_length


def _count(
    retriever: Retriever, texts: Iterable[str], sample: SampleConfig, progress: bool
) -> tuple[Tensor, int, list[list[int]]]:
    """Document frequencies, how many texts were read, and the token ids of the sampled texts."""
    frequency = torch.zeros(len(retriever.document.backbone.word_embeddings), dtype=torch.int64)
    reservoir: list[list[int]] = []
    # A text of three tokens is the shortest that teaches anything.
    room = sample.tokens // 3 + 1
    draw = random.Random(sample.seed)
    documents = 0
    for text_ids in _tokenised(retriever, texts, sample, progress):
        documents += 1
        frequency[torch.tensor(sorted(set(text_ids)), dtype=torch.int64)] += 1
        if len(reservoir) < room:
            reservoir.append(text_ids)
        elif (place := draw.randrange(documents)) < room:
            reservoir[place] = text_ids
    draw.shuffle(reservoir)
    return frequency, documents, reservoir


def _tokenised(
    retriever: Retriever, texts: Iterable[str], sample: SampleConfig, progress: bool
) -> Iterator[list[int]]:
    bar = tqdm(texts, desc="counting", unit="doc", disable=not progress)
    window: list[str] = []
    for number, text in enumerate(bar):
        if number >= sample.max_documents:
            break
        window.append(text)
        if len(window) == BATCH:
            yield from _token_ids(retriever, window, sample.max_length)
            window.clear()
    if window:
        yield from _token_ids(retriever, window, sample.max_length)


def _token_ids(retriever: Retriever, window: list[str], max_length: int | None) -> list[list[int]]:
    encoded = retriever.tokenizer(window, truncation=True, max_length=max_length)
    ids: list[list[int]] = encoded["input_ids"]
    return ids


def _batches(
    rows: list[list[int]], tokens: int, padding: int, progress: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """Padded batches of similar lengths until so many tokens were given."""
    taken, total = [], 0
    for row in rows:
        if total >= tokens:
            break
        taken.append(row)
        total += len(row)
    taken.sort(key=len)
    with tqdm(total=total, desc="fitting", unit="token", disable=not progress) as bar:
        start = 0
        while start < len(taken):
            end = start + 1
            while end < len(taken) and len(taken[end]) * (end + 1 - start) <= CPU_TOKENS:
                end += 1
            batch = taken[start:end]
            yield padded(batch, padding)
            bar.update(sum(len(row) for row in batch))
            start = end
