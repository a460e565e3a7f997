"""A tower: a backbone with a head, and how it lies in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from hyper_ir.models.backbone import Backbone, load_model, quiet_transformers
from hyper_ir.models.checkpoint import Checkpoint, read_object
from hyper_ir.models.config import RetrieverConfig
from hyper_ir.models.heads import CosineTransform, DenseHead, LexicalHead
from hyper_ir.models.prefix_attention import enable_prefixes
from hyper_ir.models.prompts import PromptSynthesiser, Synthesis
from hyper_ir.models.screening import Screening

HEAD_FILE = "head.safetensors"

HALF = (torch.bfloat16, torch.float16)


class Encoding(NamedTuple):
    """A batch of texts, encoded.

    Attributes
    ----------
    vectors: ``(batch, width)``.
    prompt_attention: α, ``(batch, N)``, or None for a tower without prompts.
    """

    vectors: Tensor
    prompt_attention: Tensor | None


class Tower(nn.Module):
    """Token ids to one vector a text.

    Parameters
    ----------
    backbone: token ids to states.
    head: states to a vector.
    prompts: word embeddings to the prefix that the backbone attends to; None for none.

    Raises ValueError when the backbone would ignore a prefix, or the prompts are for another size.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: LexicalHead | DenseHead,
        prompts: PromptSynthesiser | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.prompts = prompts
        if prompts is not None:
            layers = enable_prefixes(backbone.model)
            if (prompts.layers, prompts.hidden_size) != (layers, backbone.hidden_size):
                raise ValueError(
                    f"prompts for {prompts.layers} layers of {prompts.hidden_size} components; "
                    f"the backbone has {layers} of {backbone.hidden_size}"
                )

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Ids and mask, both (batch, length), to vectors (batch, width)."""
        return self.encode(input_ids, attention_mask).vectors

    def encode(
        self, input_ids: Tensor, attention_mask: Tensor, screening: Screening | None = None
    ) -> Encoding:
        """Like :meth:`forward`, with the prompt attention that made each text's prefix.

        ``screening`` is the lexical head's: see :meth:`LexicalHead.screening`.
        """
        synthesis = self.synthesise(input_ids, attention_mask)
        prefix, attention = (None, None) if synthesis is None else synthesis
        states = self.backbone(input_ids, attention_mask, prefix)
        return Encoding(self.pooled(states, attention_mask, input_ids, screening), attention)

    def pooled(
        self,
        states: Tensor,
        attention_mask: Tensor,
        input_ids: Tensor,
        screening: Screening | None = None,
    ) -> Tensor:
        """The head's vectors of a backbone's states; a backbone in half precision is allowed."""
        if states.dtype in HALF and not torch.is_autocast_enabled(states.device.type):
            states = states.float()
        if isinstance(self.head, LexicalHead):
            vectors = self.head(states, attention_mask, input_ids, screening)
        else:
            vectors = self.head(states, attention_mask)
        assert isinstance(vectors, Tensor)
        return vectors

    def synthesise(self, input_ids: Tensor, attention_mask: Tensor) -> Synthesis | None:
        """The prefixes of these texts and their prompt attention; None without prompts.

        Gradient reaches the word embeddings too, unless they are frozen.
        """
        if self.prompts is None:
            return None
        embeddings = nn.functional.embedding(input_ids, self.backbone.word_embeddings)
        synthesis = self.prompts(embeddings, attention_mask)
        assert isinstance(synthesis, Synthesis)
        return synthesis


def tower_of_checkpoint(checkpoint: Checkpoint, config: RetrieverConfig) -> Tower:
    """The tower that a Hugging Face or sentence-transformers folder holds.

    Raises ValueError when lexical vectors are asked of a model without a masked-LM head.
    """
    if config.head == "dense":
        return dense_tower(load_model(checkpoint.folder, masked_lm=False), config)
    if checkpoint.layout != "masked-lm":
        raise ValueError(
            f"{checkpoint.name}: it has no masked-LM head, so no lexical vectors; graft a head "
            "with `python -m hyper_ir.encode.graft`, or take it as a dense encoder"
        )
    return masked_lm_tower(load_model(checkpoint.folder, masked_lm=True), config)


def dense_tower(model: PreTrainedModel, config: RetrieverConfig) -> Tower:
    """An encoder with the dense head that the configuration tells."""
    backbone = Backbone(model)
    return Tower(backbone, DenseHead(backbone.hidden_size, config.dense_pooling, config.normalise))


def masked_lm_tower(model: PreTrainedModel, config: RetrieverConfig) -> Tower:
    """A masked-LM model, whose decoder becomes the lexical head."""
    backbone = Backbone(model)
    decoder = backbone.take_decoder()
    bias = decoder.bias if decoder.bias is not None else torch.zeros(len(decoder.weight))
    head = LexicalHead(
        decoder.weight, bias, pooling=config.lexical_pooling, activation=config.activation
    )
    return Tower(backbone, head)


def save_tower(tower: Tower, folder: Path) -> None:
    """Write a tower into a folder: a checkpoint that transformers alone can load.

    The head goes into the checkpoint where it is the model's own masked-LM head, and into
    ``head.safetensors`` where it is grafted; a dense head has no weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    backbone, head = tower.backbone, tower.head
    if isinstance(head, LexicalHead) and backbone.has_decoder:
        backbone.give_decoder(head.weight, head.bias)
        try:
            _save_model(backbone, folder)
        finally:
            backbone.take_decoder()
        return
    _save_model(backbone, folder)
    if isinstance(head, LexicalHead):
        tensors = {name: weight.contiguous() for name, weight in head.state_dict().items()}
        save_file(tensors, folder / HEAD_FILE, metadata={"vocabulary_size": str(head.width)})


def _save_model(backbone: Backbone, folder: Path) -> None:
    with quiet_transformers():
        backbone.model.save_pretrained(folder)


def load_tower(folder: Path, config: RetrieverConfig) -> Tower:
    """Read what :func:`save_tower` wrote; ValueError where it is missing or damaged."""
    if config.head == "lexical" and not (folder / HEAD_FILE).is_file():
        return masked_lm_tower(load_model(folder, masked_lm=True), config)
    read_object(folder / "config.json")
    model = load_model(folder, masked_lm=False)
    if config.head == "dense":
        return dense_tower(model, config)
    backbone = Backbone(model)
    return Tower(backbone, _load_head(folder / HEAD_FILE, backbone, config))


def _load_head(path: Path, backbone: Backbone, config: RetrieverConfig) -> LexicalHead:
    try:
        tensors = load_file(path)
        head = grafted_head(tensors, len(backbone.word_embeddings), config)
    except (SafetensorError, OSError, KeyError) as error:
        raise ValueError(f"{path}: not a lexical head: {error}") from error
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{path}: {name} holds NaN or infinity")
    return head


def grafted_head(
    tensors: Mapping[str, Tensor], vocabulary_size: int, config: RetrieverConfig
) -> LexicalHead:
    """A grafted head of its state dictionary's tensors; KeyError where one is missing."""
    return LexicalHead(
        tensors["weight"],
        tensors["bias"],
        tokens=tensors["tokens"],
        vocabulary_size=vocabulary_size,
        transform=CosineTransform(tensors["transform.weight"], tensors["transform.bias"]),
        pooling=config.lexical_pooling,
        activation=config.activation,
        own=tensors["own"],
    )
