from __future__ import annotations

import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM, FNetConfig, GPT2Config, PreTrainedModel

from hyper_ir.models.backbone import Backbone
from hyper_ir.models.packed_attention import Packing, enable_packing
from hyper_ir.models.prefix_attention import enable_prefixes
from tests.tiny_models import FAMILIES, config

VOCABULARY = 40
IDS = {"pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2}
LENGTHS = [7, 1, 4, 9]
CPU = torch.device("cpu")


def model_of(family: str, kind: type = AutoModel) -> PreTrainedModel:
    torch.manual_seed(3)
    settings = config(family, VOCABULARY, **IDS, sep_token_id=3)
    if family == "modernbert":
        settings.local_attention = 4  # most texts do not fit into the window
    model: PreTrainedModel = kind.from_config(settings)  # type: ignore[attr-defined]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    return model.double().eval()


def texts() -> list[list[int]]:
    generator = torch.Generator().manual_seed(4)
    return [
        torch.randint(4, VOCABULARY, (length,), generator=generator).tolist() for length in LENGTHS
    ]


@pytest.mark.parametrize("kind", [AutoModel, AutoModelForMaskedLM])
@pytest.mark.parametrize("prefixes", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_texts_end_to_end_give_the_states_of_each_alone(
    family: str, prefixes: bool, kind: type
) -> None:
    model = model_of(family, kind)
    backbone = Backbone(model)
    rows = texts()
    alone = [
        backbone(torch.tensor([row]), torch.ones(1, len(row), dtype=torch.long))[0] for row in rows
    ]
    if prefixes:
        enable_prefixes(model)
    assert enable_packing(model)
    packing = Packing.of(LENGTHS, CPU)
    states = backbone.packed(torch.tensor([id for row in rows for id in row]), packing)
    torch.testing.assert_close(states, torch.cat(alone), rtol=1e-9, atol=1e-9)
    padded = packing.padded(states)
    assert padded.shape[:2] == (len(LENGTHS), max(LENGTHS))
    for row, expected in zip(padded, alone, strict=True):
        torch.testing.assert_close(row[: len(expected)], expected, rtol=1e-9, atol=1e-9)


def test_models_that_cannot_be_packed_stay_as_they_are() -> None:
    decoder = AutoModel.from_config(GPT2Config(n_layer=1, n_head=2, n_embd=8, vocab_size=9))
    fnet = AutoModel.from_config(
        FNetConfig(num_hidden_layers=1, hidden_size=8, intermediate_size=8, vocab_size=9)
    )
    for model in (decoder, fnet):
        before = model.config._attn_implementation
        assert not enable_packing(model)
        assert model.config._attn_implementation == before


def test_padded_texts_are_refused_after_packing() -> None:
    model = model_of("bert")
    assert enable_packing(model)
    with pytest.raises(ValueError, match="prepared for packed texts"):
        Backbone(model)(torch.tensor([[2, 3]]), torch.ones(1, 2, dtype=torch.long))
