"""The encoding loop: texts of any number through a tower, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from hyper_ir.encode.batching import token_batches
from hyper_ir.encode.impacts import Quantiser, impacts, named
from hyper_ir.encode.precision import Mode, can_be_packed, chosen_type, in_type, type_name
from hyper_ir.encode.threads import one_core_each
from hyper_ir.encode.tokens import lucene_tokens
from hyper_ir.manifest import Kind, Manifest
from hyper_ir.models.heads import LexicalHead
from hyper_ir.models.packed_attention import Packing, sent
from hyper_ir.models.retriever import Retriever
from hyper_ir.models.screening import Screening
from hyper_ir.models.towers import Encoding
from hyper_ir.wording import counted

Item = TypeVar("Item")

SparseVector = dict[str, int]
DenseVector = np.ndarray
Vector = SparseVector | DenseVector
Terms = tuple[np.ndarray, np.ndarray]
"""Vocabulary ids and impacts, both int64, heaviest first."""

Text = str | tuple[str, str]
"""A text, or a pair that the tokenizer joins with its separator."""

CPU_TOKENS = 2048
"""Tokens in a batch on a CPU: more only spills the head's product out of the cache."""


@dataclass(frozen=True)
class EngineConfig:
    """How texts are grouped and where they are encoded.

    Attributes
    ----------
    batch_size: texts in a batch, at most.
    max_length: texts are cut after so many tokens; None takes the model's own setting.
    device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or ``"auto"`` (a GPU where there is one).
    fp16: float16 on a GPU: ``fast``, in that type.
    mode: ``"exact"`` or ``"fast"``; see :data:`~hyper_ir.encode.precision.Mode`.
    """

    batch_size: int = 64
    max_length: int | None = None
    device: str = "auto"
    fp16: bool = False
    mode: Mode = "exact"

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch size: {self.batch_size} is not a positive number")
        if self.max_length is not None and self.max_length < 3:
            raise ValueError(f"max length: {self.max_length} leaves no room for a word")


class Engine:
    """One side of a retriever, ready to encode.

    Parameters
    ----------
    retriever: its tower is moved to the device.
    side: ``"query"`` or ``"document"``.

    Attributes
    ----------
    kind: the type that the transformer computes in.
    mode: what came of the mode asked for: ``"exact"`` on a machine without fast half precision.

    Raises ValueError when the device is not to be had, when fp16 is asked for without a GPU, or
    when ``max_length`` is more than the model's positions hold.
    """

    def __init__(
        self,
        retriever: Retriever,
        side: str,
        config: EngineConfig | None = None,
        quantiser: Quantiser | None = None,
    ) -> None:
        self.config = config or EngineConfig()
        self.quantiser = quantiser or Quantiser()
        self.retriever = retriever
        self.side = side
        self.device = choose_device(self.config.device)
        self.kind = chosen_type(self.config.mode, self.device, self.config.fp16)
        self.mode: Mode = "exact" if self.kind == torch.float32 else "fast"
        tower = retriever.query if side == "query" else retriever.document
        self.tower = in_type(tower, self.kind).to(self.device).eval()
        if self.tower.prompts is not None:
            self.tower.prompts.precompute()  # forgotten as soon as the tower trains again
        self.packs = can_be_packed(self.tower, self.device, self.kind)
        settings = retriever.config
        own = settings.query_max_length if side == "query" else settings.document_max_length
        self.max_length = self.config.max_length or own
        if self.max_length > tower.backbone.max_length:
            raise ValueError(
                f"max length: {self.max_length} tokens are more than the "
                f"{tower.backbone.max_length} positions of {retriever.called}"
            )
        head = self.tower.head
        self.sparse = isinstance(head, LexicalHead)
        self.screening: Screening | None = None
        if isinstance(head, LexicalHead):
            self.screening = head.screening(least=self.quantiser.least)
        self.tokens = lucene_tokens(retriever.vocabulary)
        self._begun = False

    @property
    def window(self) -> int:
        """How many texts are sorted by length together."""
        return self.config.batch_size * 4

    def encode(self, texts: Sequence[Text]) -> list[Vector]:
        """One vector for each text, in order; all texts are held in memory."""
        return [self.named(vector) for vector in self.arrays(texts)]

    def arrays(
        self, texts: Sequence[Text], one_core: bool = False
    ) -> list[Terms] | list[np.ndarray]:
        """Like :meth:`encode`; sparse vectors as vocabulary ids and impacts, heaviest first.

        Parameters
        ----------
        one_core: on a CPU, compute each batch on one core and several at a time. The vectors are
            then the same to the last bit, however many cores there are.
        """
        ids = tokenised(self.retriever.tokenizer, texts, self.max_length)
        parallel = one_core and self.device.type == "cpu"
        size = self.config.batch_size
        budget = CPU_TOKENS if self.device.type == "cpu" else size * self.max_length
        if parallel:
            budget //= (
                2  # one core is as busy with it, and the last batch keeps others waiting less
            )
        batches = list(token_batches([len(row) for row in ids], budget, size))

        def encoded(batch: list[int]) -> list[Any]:
            return list(self._encode_batch([ids[place] for place in batch]))

        if parallel:
            # The very first batch makes the head's screen.
            made: Iterable[list[Any]] = one_core_each(encoded, batches, not self._begun)
        else:
            made = map(encoded, batches)
        self._begun = True
        vectors: list[Any] = [None] * len(ids)
        for batch, results in zip(batches, made, strict=True):
            for place, vector in zip(batch, results, strict=True):
                vectors[place] = vector
        return vectors

    def named(self, vector: Terms | np.ndarray) -> Vector:
        """Ids and impacts as ``{token: impact}``; a dense vector as it is."""
        return vector if isinstance(vector, np.ndarray) else named(*vector, self.tokens)

    def stream(
        self, items: Iterable[Item], text: Callable[[Item], Text]
    ) -> Iterator[tuple[Item, Vector]]:
        """Yield ``(item, vector)`` in the items' order, reading one window ahead."""
        iterator = iter(items)
        while window := list(islice(iterator, self.window)):
            vectors = self.arrays([text(item) for item in window], one_core=True)
            yield from zip(window, map(self.named, vectors), strict=True)

    def manifest(
        self,
        kind: Kind,
        config: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        counts: dict[str, int] | None = None,
    ) -> Manifest:
        """A manifest with this engine's model, vocabulary, quantiser and lengths."""
        model = self.retriever.manifest()
        quantiser = {"factor": self.quantiser.factor, "top_k": self.quantiser.top_k}
        settings = {"side": self.side, "max_length": self.max_length}
        settings |= {"mode": self.mode, "precision": type_name(self.kind)}
        return Manifest(
            kind=kind,
            model=model.model,
            vocabulary=model.vocabulary,
            quantiser=quantiser if self.sparse else {},
            config={**settings, **(config or {})},
            inputs=inputs or {},
            counts=counts or {},
        )

    def encoding(self, ids: list[list[int]]) -> Encoding:
        """What the tower makes of a batch of token ids, none of them empty, in float32."""
        input_ids, mask = padded(ids, self.retriever.tokenizer.pad_token_id or 0)
        input_ids, mask = sent(input_ids, self.device), sent(mask, self.device)
        with torch.inference_mode():
            if self.packs:
                packing = Packing.of([len(row) for row in ids], self.device)
                flat = sent(torch.tensor(list(chain.from_iterable(ids))), self.device)
                states = packing.padded(self.tower.backbone.packed(flat, packing))
                vectors = self.tower.pooled(states, mask, input_ids, self.screening)
                return Encoding(vectors.float(), None)
            encoding = self.tower.encode(input_ids, mask, self.screening)
        return Encoding(encoding.vectors.float(), encoding.prompt_attention)

    def _encode_batch(self, ids: list[list[int]]) -> list[Terms] | list[np.ndarray]:
        if not ids[-1]:  # a tokenizer without special tokens gives nothing for an empty text
            kept = [row for row in ids if row]
            nothing = np.zeros(0, np.int64)
            empty: Any = (nothing, nothing)
            if not self.sparse:
                empty = np.zeros(self.tower.head.width, np.float32)
            filled: list[Any] = list(self._encode_batch(kept)) if kept else []
            return filled + [empty] * (len(ids) - len(kept))
        vectors = self.encoding(ids).vectors
        if self.sparse:
            return impacts(vectors, self.quantiser)
        dense = vectors.cpu().numpy()
        if not np.isfinite(dense).all():
            raise ValueError("the model's vectors hold NaN or infinity: its checkpoint is damaged")
        return list(dense)


def tokenised(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[Text], max_length: int
) -> list[list[int]]:
    """The token ids of each text, special tokens in, cut after ``max_length`` tokens."""
    if not texts:
        return []
    batch: Any = list(texts)
    encoded = tokenizer(
        batch,
        truncation=True,
        max_length=max_length,
        padding=False,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    ids: list[list[int]] = encoded["input_ids"]
    return ids


def padded(rows: list[list[int]], padding: int) -> tuple[Tensor, Tensor]:
    """Ids and mask, both (batch, length) int64, padded at the right to the longest row."""
    length = max(len(row) for row in rows)
    ids = [row + [padding] * (length - len(row)) for row in rows]
    real = [[1] * len(row) + [0] * (length - len(row)) for row in rows]
    return torch.tensor(ids), torch.tensor(real)


def join_fields(values: Sequence[str], add_sep: bool) -> Text:
    """Fields to one text: joined by a space, or two of them as a pair with a separator."""
    if add_sep and len(values) == 2:
        return (values[0], values[1])
    return " ".join(values)


def choose_device(name: str) -> torch.device:
    """The torch device of this name; ``"auto"`` is a GPU where there is one.

    Raises ValueError for an unknown name and for a GPU that is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(
            f"device: {name!r} is none; for example cpu, cuda, cuda:0, auto"
        ) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise ValueError(
            f"device: {name} is not there; this machine has {counted(count, 'CUDA GPU')}"
        )
    return device
