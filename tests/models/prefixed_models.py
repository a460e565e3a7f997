"""Small random models of every family with prefixes, for tests."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import (
    AutoModel,
    PreTrainedModel,
)

from hyper_ir.models.prefix_attention import (
    LayerPrefix,
    Prefix,
    prefix_arguments,
)
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompts import PromptSynthesiser
from tests.models.naive_prefix import KeysValues
from tests.tiny_models import HIDDEN, config

VOCABULARY = 40
IDS = {"pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2}
MASK = torch.tensor([[1] * 7, [1] * 4 + [0] * 3])


def model_of(family: str, attention: str = "sdpa", **special: Any) -> PreTrainedModel:
    torch.manual_seed(3)
    settings = config(family, VOCABULARY, **IDS, sep_token_id=3, **special)
    if family == "modernbert":
        settings.local_attention = 4  # seven tokens do not fit into the window
    model: PreTrainedModel = AutoModel.from_config(settings, attn_implementation=attention)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    return model.double().eval()


def input_ids(length: int = 7) -> Tensor:
    torch.manual_seed(4)
    return torch.randint(4, VOCABULARY, (2, length))


def prefix_of(length: int = 3, seed: int = 5, dtype: torch.dtype = torch.float64) -> Prefix:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=dtype)

    hidden = normal(2, length, 4)
    return tuple(LayerPrefix(hidden, normal(2 * HIDDEN, 4), normal(2 * HIDDEN)) for _ in range(2))


def keys_values(prefix: Prefix, text: int) -> list[KeysValues]:
    """K = h W_kᵀ + b_k and V = h W_vᵀ + b_v, row by row, cut into heads."""
    layers = []
    for hidden, weight, bias, _ in prefix:
        assert bias is not None
        rows = torch.stack([weight @ row + bias for row in hidden[text]])
        keys, values = rows[:, :HIDDEN], rows[:, HIDDEN:]
        layers.append((torch.stack(keys.chunk(2, 1)), torch.stack(values.chunk(2, 1))))
    return layers


def states_of(model: Any, prefix: Prefix | None, ids: Tensor, mask: Tensor) -> Tensor:
    more = {} if prefix is None else prefix_arguments(model, prefix)
    states = model(input_ids=ids, attention_mask=mask, **more).last_hidden_state
    assert isinstance(states, Tensor)
    return states


DROPOUT = {
    "bert": ("hidden_dropout_prob", "attention_probs_dropout_prob"),
    "roberta": ("hidden_dropout_prob", "attention_probs_dropout_prob"),
    "distilbert": ("dropout", "attention_dropout"),
    "modernbert": ("attention_dropout",),
}


def prompts_of(**changes: Any) -> PromptSynthesiser:
    settings = {"prompts": 2, "length": 2, "query_hidden": 3, "prefix_hidden": 2, "bias": True}
    made = PromptSynthesiser(PromptConfig(**{**settings, **changes}), HIDDEN, 2).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(0, 0.5, generator=generator)
    return made


def loss_of(model: Any, prompts: PromptSynthesiser, ids: Tensor) -> Tensor:
    synthesis = prompts(model.get_input_embeddings().weight[ids], MASK)
    states = states_of(model, synthesis.prefix, ids, MASK)
    return (states * torch.linspace(-1, 1, HIDDEN, dtype=states.dtype))[MASK.bool()].square().sum()
