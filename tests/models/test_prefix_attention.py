from __future__ import annotations

import copy
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    AlbertConfig,
    AutoModel,
    BertConfig,
    FNetConfig,
    GPT2Config,
)

from hyper_ir.models.prefix_attention import attention_queries, enable_prefixes, keys_and_values
from tests.models.naive_prefix import naive_states
from tests.models.prefixed_models import (
    DROPOUT,
    IDS,
    MASK,
    VOCABULARY,
    input_ids,
    keys_values,
    loss_of,
    model_of,
    prefix_of,
    prompts_of,
    states_of,
)
from tests.tiny_models import FAMILIES, HIDDEN, config


@pytest.mark.parametrize(
    ("attention", "length", "form"),
    [
        ("sdpa", 3, "_extended"),
        ("sdpa", 12, "bottleneck_attention"),
        ("eager", 3, "_extended"),
        ("eager", 12, "_extended"),
    ],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_attention_over_prefix_and_tokens_equals_the_written_out_one(
    family: str, attention: str, length: int, form: str, forms: list[str]
) -> None:
    model, prefix, ids = model_of(family, attention), prefix_of(length), input_ids()
    assert enable_prefixes(model) == 2
    # ModernBERT's eager attention takes its softmax in float32, whatever the states are.
    rounded = (family, attention) == ("modernbert", "eager")
    with torch.no_grad():
        states = states_of(model, prefix, ids, MASK)
        assert forms == [form] * 2
        for text, tokens in enumerate(MASK.sum(1).tolist()):
            expected = naive_states(model, ids[text, :tokens], keys_values(prefix, text), family)
            tolerance = 2e-5 if rounded else 1e-10
            torch.testing.assert_close(states[text, :tokens], expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", FAMILIES)
def test_without_a_prefix_nothing_changes_by_a_bit_and_with_one_everything(
    family: str, attention: str
) -> None:
    model, ids = model_of(family, attention), input_ids()
    with torch.no_grad():
        plain = states_of(model, None, ids, MASK)[MASK.bool()]
        enable_prefixes(model)
        assert torch.equal(states_of(model, None, ids, MASK)[MASK.bool()], plain)
        assert torch.equal(states_of(model, prefix_of(0), ids, MASK)[MASK.bool()], plain)
        changed = states_of(model, prefix_of(), ids, MASK)[MASK.bool()] - plain
    assert (changed.abs().amax(-1) > 1e-3).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_layer_and_both_keys_and_values_count(family: str) -> None:
    model, ids, prefix = model_of(family), input_ids(), prefix_of()
    enable_prefixes(model)
    with torch.no_grad():
        whole = states_of(model, prefix, ids, MASK)
        for layer in range(2):
            for half in (slice(0, HIDDEN), slice(HIDDEN, None)):
                weight = prefix[layer].weight.clone()
                weight[half] = 0
                other = list(prefix)
                other[layer] = prefix[layer]._replace(weight=weight)
                assert not torch.allclose(states_of(model, tuple(other), ids, MASK), whole)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_full_position_table_leaves_room_for_the_prefix(family: str) -> None:
    torch.manual_seed(0)
    settings = config(family, VOCABULARY, **IDS, sep_token_id=3)
    settings.max_position_embeddings = 514 if family == "roberta" else 512
    models = []
    for attention in ("sdpa", "eager"):
        torch.manual_seed(0)
        models.append(AutoModel.from_config(settings, attn_implementation=attention).eval())
        settings = copy.deepcopy(settings)
    prefix, ids = prefix_of(4, dtype=torch.float32), input_ids(512)
    mask = torch.ones_like(ids)
    mask[1, 500:] = 0
    states = []
    for model in models:
        enable_prefixes(model)
        with torch.no_grad():
            states.append(states_of(model, prefix, ids, mask)[mask.bool()])
    torch.testing.assert_close(states[0], states[1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("length", [3, 12])
@pytest.mark.parametrize("family", FAMILIES)
def test_bfloat16_autocast_stays_close(family: str, length: int) -> None:
    model, ids = model_of(family).float(), input_ids()
    prefix = prefix_of(length, dtype=torch.float32)
    enable_prefixes(model)
    with torch.no_grad():
        full = states_of(model, prefix, ids, MASK)
        with torch.autocast("cpu", torch.bfloat16):
            half = states_of(model, prefix, ids, MASK)
    error = (full - half)[MASK.bool()].norm() / full[MASK.bool()].norm()
    assert 0 < error < 0.05


@pytest.mark.parametrize(("attention", "length"), [("eager", 3), ("sdpa", 3), ("sdpa", 12)])
def test_attention_dropout_falls_on_the_prefix_as_on_tokens(attention: str, length: int) -> None:
    # A dropout that lets next to nothing through leaves next to no trace of the prefix.
    settings: Any = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 1.0 - 1e-6}
    model, ids, prefix = model_of("bert", attention, **settings), input_ids(), prefix_of(length)
    enable_prefixes(model)

    def trace() -> Tensor:
        with torch.no_grad():
            return states_of(model, prefix, ids, MASK) - states_of(model, None, ids, MASK)

    assert trace().abs().max() > 0.1
    model.train()
    assert torch.equal(trace(), torch.zeros(2, 7, HIDDEN, dtype=torch.float64))


def test_threads_with_their_own_prefixes_do_not_meet() -> None:
    model, ids = model_of("bert"), input_ids()
    enable_prefixes(model)

    def encode(seed: int) -> Tensor:
        with torch.no_grad():
            return states_of(model, prefix_of(2 + seed % 3, seed), ids, MASK)

    alone = [encode(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(encode, [*range(8)] * 3))
    for seed, states in enumerate(together):
        assert torch.equal(states, alone[seed % 8])


def test_a_copy_takes_prefixes_and_a_saved_model_knows_nothing_of_them(tmp_path: Path) -> None:
    model, ids = model_of("bert"), input_ids()
    enable_prefixes(model)
    with torch.no_grad():
        expected = states_of(model, prefix_of(), ids, MASK)
        assert torch.equal(states_of(copy.deepcopy(model), prefix_of(), ids, MASK), expected)
    model.save_pretrained(tmp_path)
    assert "hyper_ir" not in json.dumps(json.loads((tmp_path / "config.json").read_text()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "length", "form"),
    [("bert", 2, "bottleneck_attention"), ("modernbert", 1, "_extended")],
)
def test_compiled_equals_eager(family: str, length: int, form: str, forms: list[str]) -> None:
    none: Any = dict.fromkeys(DROPOUT[family], 0.0)
    model, prompts = model_of(family, **none).float(), prompts_of(length=length).float()
    ids = input_ids()
    enable_prefixes(model)
    model.train()
    expected = loss_of(model, prompts, ids)
    assert set(forms) == {form}
    expected.backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad.clone() for p in prompts.parameters() if p.grad is not None]
    prompts.zero_grad()
    compiled = torch.compile(loss_of)(model, prompts, ids)
    compiled.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(compiled, expected, rtol=1e-5, atol=1e-5)
    for parameter, gradient in zip(prompts.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-5)


SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (AlbertConfig(embedding_size=8, **SIZES), "prefixes reach 2 attention layers .1 "),
        (FNetConfig(**SIZES), "FNetModel"),
        (BertConfig(is_decoder=True, **SIZES), "decoder"),
        (GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=VOCABULARY), "causal"),
    ],
)
def test_backbones_that_would_ignore_a_prefix_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        enable_prefixes(AutoModel.from_config(settings))


def test_attention_that_drops_its_arguments_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of("bert")
    attention: Any = model.get_submodule("encoder.layer.1.attention.self")
    forward = attention.forward
    monkeypatch.setattr(
        attention, "forward", lambda states, attention_mask, **_: forward(states, attention_mask)
    )
    with pytest.raises(ValueError, match="reach 1 attention layers"):
        enable_prefixes(model)


@pytest.mark.parametrize("asked", [attention_queries, keys_and_values])
def test_a_model_that_is_not_prepared_is_not_asked_for_its_attention(asked: Any) -> None:
    model = model_of("bert")
    with pytest.raises(ValueError, match="call enable_prefixes"):
        asked(model, input_ids(), MASK)
    enable_prefixes(model)
    assert len(asked(model, input_ids(), MASK)) == 2


def test_attention_changed_later_is_refused() -> None:
    model = model_of("bert")
    enable_prefixes(model)
    with pytest.raises(ValueError, match="3 layers"):
        states_of(model, (*prefix_of(), prefix_of()[0]), input_ids(), MASK)
    model.set_attn_implementation("sdpa")
    with pytest.raises(ValueError, match="ignores prefixes"):
        states_of(model, prefix_of(), input_ids(), MASK)
