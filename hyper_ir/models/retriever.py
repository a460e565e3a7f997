"""A retriever: a query tower and a document tower over one vocabulary, in a folder or in memory.

Folder layout (``save_pretrained``)::

    retriever.json            head, pooling, lengths; format number
    tokenizer.json, …         the tokenizer, as transformers saves it
    document/                 a Hugging Face checkpoint; head.safetensors where the head is ours
    query/                    likewise; without a checkpoint where the document's is used, with
                              prompts.json and prompts.safetensors where there are prompts
    hyper_ir.manifest

A compact folder (``python -m hyper_ir.compact``) has all weights in ``compact.safetensors``, as
``compact.json`` tells, and of the rest the same.
"""

from __future__ import annotations

import copy
import hashlib
import os
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from hyper_ir.files import atomic_directory, write_json
from hyper_ir.manifest import Manifest, read_manifest, short_name, write_manifest
from hyper_ir.models.checkpoint import (
    MODEL_MARKS,
    RETRIEVER_FILE,
    Checkpoint,
    find_checkpoint,
    read_object,
)
from hyper_ir.models.compact_file import LAYOUT_FILE
from hyper_ir.models.compact_towers import load_towers
from hyper_ir.models.config import FORMAT, HeadKind, RetrieverConfig
from hyper_ir.models.heads import DensePooling, LexicalHead
from hyper_ir.models.integrity import DIGESTS, digests_of, require_undamaged
from hyper_ir.models.prompts import PROMPTS_FILE, PromptSynthesiser, load_prompts, save_prompts
from hyper_ir.models.towers import Tower, load_tower, save_tower, tower_of_checkpoint
from hyper_ir.outputs import require_own


class Retriever(nn.Module):
    """Two towers (or one, used twice), the tokenizer, and the configuration.

    ``source`` is what the user called it, a folder or a hub's name: messages call it so.
    """

    def __init__(
        self,
        query: Tower,
        document: Tower,
        tokenizer: PreTrainedTokenizerBase,
        config: RetrieverConfig,
        source: str = "",
    ) -> None:
        super().__init__()
        one = query.backbone is document.backbone and query.head is document.head
        if config.shared != one:
            raise ValueError(
                "a shared retriever has one backbone and head for queries and documents"
            )
        if document.prompts is not None:
            raise ValueError("the document tower has no prompts: they are for queries alone")
        if config.prompts != (query.prompts is not None):
            raise ValueError(
                f"the configuration says prompts: {config.prompts}; the query tower has "
                + ("none" if query.prompts is None else "some")
            )
        if query.head.width != document.head.width:
            raise ValueError(
                f"the query tower's vectors have {query.head.width} components, "
                f"the document tower's {document.head.width}"
            )
        if not tokenizer.is_fast:
            raise ValueError(f"{source or config.name}: its tokenizer has no fast (Rust) form")
        self.source = source
        self.query = query
        self.document = document
        self.tokenizer = tokenizer
        self.config = config
        self.eval()

    @classmethod
    def from_pretrained(
        cls,
        name: str | os.PathLike[str],
        head: HeadKind | None = None,
        dense_pooling: DensePooling | None = None,
        normalise: bool | None = None,
    ) -> Retriever:
        """Load a retriever from a folder (or a hub's repository), on the CPU, in float32.

        A folder may be one that :meth:`save_pretrained` wrote, a compact one, a shipped model's
        (``hyper_ir:NAME``), a masked-LM checkpoint (then it is SPLADE-max), a
        sentence-transformers SparseEncoder or dense model, a DPR tower, or any encoder.

        Parameters
        ----------
        head: ``"lexical"`` or ``"dense"``; None takes what the folder is.
        dense_pooling, normalise: for a dense head, where the folder does not say it itself.

        Raises
        ------
        ValueError
            When the folder is missing or broken, or has no head of the kind asked for.
        """
        checkpoint = find_checkpoint(name)
        if checkpoint.layout == "hyper_ir":
            return _load_saved(cls, checkpoint, head)
        kind: HeadKind = head or ("dense" if checkpoint.is_dense else "lexical")
        config = RetrieverConfig(
            head=kind,
            lexical_pooling=checkpoint.lexical_pooling,
            activation=checkpoint.activation,
            dense_pooling=dense_pooling or checkpoint.dense_pooling or "cls",
            normalise=bool(checkpoint.normalise if normalise is None else normalise),
            name=checkpoint.short_name,
        )
        tower = tower_of_checkpoint(checkpoint, config)
        limit = min(tower.backbone.max_length, checkpoint.max_length or tower.backbone.max_length)
        config = replace(
            config,
            query_max_length=min(config.query_max_length, limit),
            document_max_length=min(config.document_max_length, limit),
        )
        return cls(tower, tower, load_tokenizer(checkpoint.folder), config, checkpoint.name)

    def with_prompts(
        self, prompts: PromptSynthesiser | None, own_backbone: bool = False
    ) -> Retriever:
        """A retriever whose query tower has these prompts (None: none), on the same weights.

        With ``own_backbone`` the query tower gets a copy of its backbone and head, so that
        training it leaves documents as they are.

        Raises ValueError when the backbone would ignore prefixes, or prompts are of other sizes.
        """
        backbone, head = self.query.backbone, self.query.head
        if own_backbone and self.config.shared:
            backbone, head = copy.deepcopy((backbone, head))
        shared = self.config.shared and not own_backbone
        query = self.document if shared and prompts is None else Tower(backbone, head, prompts)
        config = replace(self.config, shared=shared, prompts=prompts is not None)
        return type(self)(query, self.document, self.tokenizer, config, self.source)

    def document_encoder(self) -> Retriever:
        """The document tower for queries too, without prompts; on the same weights."""
        config = replace(self.config, shared=True, prompts=False)
        return type(self)(self.document, self.document, self.tokenizer, config, self.source)

    def save_pretrained(self, folder: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write the retriever's folder, atomically; an existing one needs ``overwrite``.

        Raises ValueError for a folder that is there and is not a model's.
        """
        require_own(Path(folder), MODEL_MARKS, "a model")
        with atomic_directory(folder, replace=overwrite) as partial:
            self.tokenizer.save_pretrained(partial)
            save_tower(self.document, partial / "document")
            if not self.config.shared:
                save_tower(self.query, partial / "query")
            if self.query.prompts is not None:
                (partial / "query").mkdir(exist_ok=True)
                save_prompts(self.query.prompts, partial / "query")
            write_json(partial / RETRIEVER_FILE, asdict(self.config))
            manifest = self.manifest()
            digests = {DIGESTS: digests_of(partial)}
            write_manifest(partial, replace(manifest, model={**manifest.model, **digests}))

    def manifest(self) -> Manifest:
        """The manifest of the model itself."""
        return Manifest(
            kind="model",
            model={
                "name": self.config.name,
                "sha256": self.weights_hash,
                "document": self.document_hash,
            },
            vocabulary=self.vocabulary_hash,
            config=asdict(self.config),
        )

    @property
    def called(self) -> str:
        """What to call it in a message to who has given it."""
        return self.source or self.config.name or "the model"

    @cached_property
    def vocabulary(self) -> list[str]:
        """The token string of each component of a lexical vector.

        Ids that the tokenizer does not know (checkpoints pad their vocabulary) get a name of
        their own.
        """
        if not isinstance(self.document.head, LexicalHead):
            return []
        names = self.tokenizer.convert_ids_to_tokens(list(range(self.document.head.width)))
        return [f"[id-{i}]" if name is None else name for i, name in enumerate(names)]

    @cached_property
    def vocabulary_hash(self) -> str:
        """SHA-256 over the vocabulary's tokens in order; of a dense model, empty."""
        if not self.vocabulary:
            return ""
        return hashlib.sha256("\n".join(self.vocabulary).encode()).hexdigest()

    @cached_property
    def weights_hash(self) -> str:
        """SHA-256 over all weights by name."""
        return _hash_of(self)

    @cached_property
    def document_hash(self) -> str:
        """SHA-256 over the document tower's weights: training queries alone leaves it as it is."""
        return _hash_of(self.document)

    def train(self, mode: bool = True) -> Retriever:
        """Switch training on or off; on, the weights' hashes are forgotten: they will change."""
        if mode:
            for name in ("weights_hash", "document_hash"):
                self.__dict__.pop(name, None)
        return super().train(mode)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, side: str = "document") -> Tensor:
        """Token ids and mask (batch, length) to vectors (batch, width) by the tower named."""
        tower = self.query if side == "query" else self.document
        vectors = tower(input_ids, attention_mask)
        assert isinstance(vectors, Tensor)
        return vectors


def _hash_of(module: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, weight in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(weight.shape)} ".encode())
        digest.update(weight.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The folder's fast tokenizer; ValueError where there is none."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # tokenizers raise Exception itself for a damaged file
        reason = " ".join(str(error).split())
        raise ValueError(f"{folder}: no tokenizer could be loaded: {reason:.300}") from error
    assert isinstance(tokenizer, PreTrainedTokenizerBase)
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):  # transformers makes an empty one
        raise ValueError(f"{folder}: its tokenizer knows no word; is tokenizer.json missing?")
    return tokenizer


def read_config(path: Path) -> RetrieverConfig:
    """What a ``retriever.json`` says; ValueError that names the file for anything else."""
    settings: dict[str, Any] = read_object(path)
    try:
        if settings.get("format") != FORMAT:
            raise ValueError(f"format {settings.get('format')!r}; {FORMAT} is known")
        return RetrieverConfig(**settings)
    except (ValueError, TypeError, RecursionError) as error:
        reason = str(error).removeprefix("RetrieverConfig.__init__() ")
        raise ValueError(f"{path}: {reason:.500}") from error


def _load_saved(cls: type[Retriever], checkpoint: Checkpoint, head: HeadKind | None) -> Retriever:
    path = checkpoint.folder / RETRIEVER_FILE
    config = read_config(path)
    config = replace(config, name=short_name(config.name))
    if head is not None and head != config.head:
        raise ValueError(f"{checkpoint.name}: its head is {config.head}, not {head}")
    manifest = read_manifest(checkpoint.folder)
    if manifest is not None:
        require_undamaged(checkpoint.folder, manifest.model)
    if (checkpoint.folder / LAYOUT_FILE).is_file():
        towers = load_towers(checkpoint.folder, config)
        return cls(*towers, load_tokenizer(checkpoint.folder), config, checkpoint.name)
    document = load_tower(checkpoint.folder / "document", config)
    query = document if config.shared else load_tower(checkpoint.folder / "query", config)
    prompts_file = checkpoint.folder / "query" / PROMPTS_FILE
    if prompts_file.exists() and not config.prompts:
        raise ValueError(f"{prompts_file}: prompts are there, but {RETRIEVER_FILE} knows of none")
    if config.prompts:
        layers = int(query.backbone.model.config.num_hidden_layers)
        prompts = load_prompts(checkpoint.folder / "query", query.backbone.hidden_size, layers)
        query = Tower(query.backbone, query.head, prompts)
    return cls(query, document, load_tokenizer(checkpoint.folder), config, checkpoint.name)
