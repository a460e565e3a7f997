"""Masked-LM checkpoints of the usual shapes, without a hub, whose vectors are sparse.

The weights are random (of all-MiniLM-L6-v2 for its shape, under a random head), which changes
nothing in what encoding costs, with one exception: a random head lets half of the vocabulary
through, and writing 15,000 terms a text would be measured. So the head is scaled, and its bias
lowered, until as many terms are left as SPLADE leaves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.counting import Shape

TERMS = 200
"""Terms of a text that the head lets through, on average."""

EXCESS = 2.0
"""Mean logit of those: weights of log(1 + 2), impacts of 56 with Pyserini's factor."""


def make_checkpoint(shape: Shape, folder: Path, encoder: Path, texts: list[str]) -> None:
    """Write a checkpoint with the encoder's tokenizer, calibrated on ``texts``.

    ``encoder``: folder of all-MiniLM-L6-v2, whose weights the shape of that name gets.
    """
    from transformers import AutoTokenizer, BertForMaskedLM

    from hyper_ir.models.backbone import quiet_transformers

    torch.manual_seed(0)
    words = AutoTokenizer.from_pretrained(encoder)
    with quiet_transformers():
        real = shape.name == "minilm"
        model = BertForMaskedLM.from_pretrained(encoder) if real else _random_model(shape)
        model.eval()
        calibrate(model, words, texts)
        model.save_pretrained(folder)
        words.save_pretrained(folder)


def _random_model(shape: Shape) -> Any:
    from transformers import BertConfig, BertForMaskedLM, DistilBertConfig, DistilBertForMaskedLM

    if shape.name == "distilbert":
        return DistilBertForMaskedLM(
            DistilBertConfig(
                vocab_size=shape.vocabulary,
                dim=shape.hidden,
                n_layers=shape.layers,
                n_heads=shape.heads,
                hidden_dim=shape.intermediate,
            )
        )
    return BertForMaskedLM(
        BertConfig(
            vocab_size=shape.vocabulary,
            hidden_size=shape.hidden,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            intermediate_size=shape.intermediate,
        )
    )


@torch.inference_mode()
def calibrate(model: Any, tokenizer: Any, texts: list[str], terms: int = TERMS) -> None:
    """Scale the head's last norm and lower its bias so that about ``terms`` logits are above 0."""
    pooled = torch.stack([_pooled(model, tokenizer, text) for text in texts])
    share = min(1.0, terms / pooled.shape[1])
    cut = torch.quantile(pooled, 1 - share)
    scale = EXCESS / (pooled[pooled > cut] - cut).mean().clamp(min=1e-6)
    norm = _last_norm(model)
    norm.weight.mul_(scale)
    norm.bias.mul_(scale)
    model.get_output_embeddings().bias.sub_(cut * scale)


def _pooled(model: Any, tokenizer: Any, text: str) -> Tensor:
    """The greatest logit of each term over the text's tokens."""
    batch = tokenizer([text], truncation=True, max_length=128, return_tensors="pt")
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    assert isinstance(logits, Tensor)
    return logits[0].amax(0)


def _last_norm(model: Any) -> Any:
    """The layer norm in front of the decoder."""
    if hasattr(model, "vocab_layer_norm"):  # DistilBERT
        return model.vocab_layer_norm
    return model.cls.predictions.transform.LayerNorm
