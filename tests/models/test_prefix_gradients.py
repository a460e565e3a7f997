from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    BertConfig,
    BertModel,
)

from hyper_ir.models.prefix_attention import (
    enable_prefixes,
)
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompts import PromptSynthesiser
from tests.models.prefixed_models import (
    DROPOUT,
    MASK,
    input_ids,
    loss_of,
    model_of,
    prefix_of,
    prompts_of,
    states_of,
)
from tests.tiny_models import FAMILIES


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_checkpointing_changes_no_value_and_no_gradient(family: str, frozen: bool) -> None:
    none: Any = dict.fromkeys(DROPOUT[family], 0.0)
    results = []
    for checkpointing in (False, True):
        model, prompts = model_of(family, **none), prompts_of()
        enable_prefixes(model)
        model.requires_grad_(not frozen)
        model.train()
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        loss = loss_of(model, prompts, input_ids())
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for m in (prompts, model) for p in m.parameters() if p.requires_grad]
        results.append((loss, gradients))
    assert torch.equal(results[0][0], results[1][0])
    for plain, checkpointed in zip(results[0][1], results[1][1], strict=True):
        if plain is not None:
            torch.testing.assert_close(checkpointed, plain, rtol=1e-12, atol=1e-12)
    assert all(gradient is not None and gradient.any() for gradient in results[1][1][:9])


def test_reentrant_checkpointing_is_refused() -> None:
    model = model_of("bert")
    enable_prefixes(model)
    model.gradient_checkpointing_enable({"use_reentrant": True})
    model.train()
    with pytest.raises(ValueError, match="use_reentrant"):
        states_of(model, prefix_of(), input_ids(), MASK)


@pytest.mark.parametrize(
    ("mix", "length", "form"), [("prompt", 2, "_extended"), ("prefix", 3, "bottleneck_attention")]
)
def test_gradients_through_synthesis_and_attention_are_the_numerical_ones(
    mix: str, length: int, form: str, forms: list[str]
) -> None:
    settings = BertConfig(
        vocab_size=9,
        hidden_size=6,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=4,
        max_position_embeddings=5,
    )
    torch.manual_seed(0)
    model = BertModel(settings, add_pooling_layer=False).double().eval()
    enable_prefixes(model)
    shape: Any = {"prompts": 2, "length": length, "query_hidden": 3, "prefix_hidden": 2}
    prompts = PromptSynthesiser(PromptConfig(mix=mix, bias=True, **shape), 6, 2).double()  # type: ignore[arg-type]
    names = [name for name, _ in prompts.named_parameters()]
    values = [torch.randn_like(p).mul_(0.5).requires_grad_() for p in prompts.parameters()]
    table = torch.randn(9, 6, dtype=torch.float64).requires_grad_()
    ids, mask = torch.tensor([[2, 5, 3], [2, 7, 0]]), torch.tensor([[1, 1, 1], [1, 1, 0]])

    def states(table: Tensor, *values: Tensor) -> Tensor:
        inputs = (table[ids], mask)
        named = dict(zip(names, values, strict=True))
        synthesis = torch.func.functional_call(prompts, named, inputs)
        return states_of(model, synthesis.prefix, ids, mask)[mask.bool()]

    assert torch.autograd.gradcheck(states, (table, *values), atol=1e-7)
    assert set(forms) == {form}
