"""The counts against torch's own counter of the products that a model really does."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForMaskedLM, BertConfig, BertModel, DistilBertConfig

from benchmarks.counting import SHAPES, Prompts, Shape
from hyper_ir.models.backbone import Backbone
from hyper_ir.models.heads import DenseHead
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompt_initialisation import new_prompts
from hyper_ir.models.towers import Tower

TINY = Shape("tiny", layers=2, hidden=24, heads=3, intermediate=40, vocabulary=50)


def counted(family: str, length: int) -> int:
    """What torch counts for one text; eager attention, since its products are seen one by one."""
    if family == "bert":
        config: BertConfig | DistilBertConfig = BertConfig(
            vocab_size=50,
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=40,
        )
    else:
        config = DistilBertConfig(vocab_size=50, dim=24, n_layers=2, n_heads=3, hidden_dim=40)
    model = AutoModelForMaskedLM.from_config(config, attn_implementation="eager").eval()
    ids = torch.ones(1, length, dtype=torch.int64)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(input_ids=ids, attention_mask=torch.ones_like(ids))
    return int(counter.get_total_flops())


@pytest.mark.parametrize("family", ["bert", "distilbert"])
@pytest.mark.parametrize("lengths", [[1], [7], [3, 11, 4]])
def test_operations_are_those_that_torch_counts(family: str, lengths: list[int]) -> None:
    own = TINY.transformer_operations(lengths) + TINY.head_operations(lengths)
    assert own == sum(counted(family, length) for length in lengths)


def test_weights_are_those_of_the_models() -> None:
    config = BertConfig(
        vocab_size=50,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=40,
    )
    model = AutoModelForMaskedLM.from_config(config)
    matrices = {
        name: weight.numel()
        for name, weight in model.named_parameters()
        if weight.ndim == 2 and "embeddings" not in name
    }
    decoder = matrices.pop("cls.predictions.decoder.weight", 50 * 24)
    assert TINY.transformer_weights() == 4 * sum(matrices.values())
    assert TINY.head_weights(width=2) == 2 * decoder


def test_bytes_of_the_outputs() -> None:
    assert TINY.logits([3, 5]) == 4 * 8 * 50
    assert TINY.vectors(2) == 4 * 2 * 50
    assert SHAPES["bert-base"].transformer_weights() // 4 == 12 * 7_077_888 + 768**2


def tower_operations(prompted: bool, length: int, attention: str) -> int:
    """What torch counts of a tower of the tiny shape, with or without prompts."""
    config = BertConfig(
        vocab_size=50,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=40,
    )
    backbone = Backbone(BertModel._from_config(config, attn_implementation=attention).eval())
    settings = PromptConfig(
        prompts=4, length=6, query_hidden=10, prefix_hidden=8, initialisation="words"
    )
    prompts = new_prompts(settings, backbone) if prompted else None
    tower = Tower(backbone, DenseHead(24), prompts).eval().requires_grad_(False)
    ids = torch.ones(1, length, dtype=torch.int64)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        tower.encode(ids, torch.ones_like(ids))
    return int(counter.get_total_flops())


def test_what_prompts_add_is_what_torch_counts() -> None:
    own = Prompts(prompts=4, positions=6, query_hidden=10, bottleneck=8)
    for length in (1, 2, 40):
        layers = (own.built(TINY, length), own.mapped(TINY, length))
        rest = own.operations(TINY, length) - TINY.layers * min(layers)
        more = tower_operations(True, length, "eager") - tower_operations(False, length, "eager")
        assert more == rest + TINY.layers * layers[0]  # eager attention builds keys and values
    # sdpa's own products torch does not see; a text this short takes none of them.
    short = tower_operations(True, 2, "sdpa") - tower_operations(False, 2, "eager")
    assert own.mapped(TINY, 2) < own.built(TINY, 2)
    assert short == own.operations(TINY, 2)


def test_prompts_have_the_papers_parameters() -> None:
    # The layer norm's 2 × 768 are no matrix.
    assert Prompts().parameters(SHAPES["bert-base"]) == 4_071_936 - 2 * 768
