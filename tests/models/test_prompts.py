from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

from hyper_ir.models.prompt_config import PRESETS, PromptConfig
from hyper_ir.models.prompts import PromptSynthesiser, load_prompts, save_prompts

D, LAYERS, HEADS = 6, 3, 2
SMALL: dict[str, Any] = {"prompts": 4, "length": 3, "query_hidden": 5, "prefix_hidden": 2}


def prompts_of(seed: int = 0, **changes: Any) -> PromptSynthesiser:
    config = PromptConfig(**{"initialisation": "normal", **SMALL, **changes})
    made = PromptSynthesiser(config, D, LAYERS).double().eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(0, 1, generator=generator)
    return made


def batch_of(lengths: list[int], seed: int = 1) -> tuple[Tensor, Tensor]:
    """Embeddings and mask; padding holds large numbers, which must never count."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), max(lengths), D)
    embeddings = torch.randn(shape, generator=generator, dtype=torch.float64)
    mask = (torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]).long()
    embeddings[mask == 0] = 1e9
    return embeddings, mask


def linear(module: Any, row: Tensor) -> Tensor:
    """One row through W (and its bias): Σ_j w_ij · x_j, one output at a time."""
    outputs: list[Any] = [
        sum(w * x for w, x in zip(weights, row, strict=True)) for weights in module.weight
    ]
    if module.bias is not None:
        outputs = [y + b for y, b in zip(outputs, module.bias, strict=True)]
    return torch.stack(outputs)


def maximum(rows: list[Tensor]) -> Tensor:
    return torch.stack([max(row[j] for row in rows) for j in range(len(rows[0]))])


ACTIVATIONS: dict[str, Any] = {
    "gelu": lambda y: 0.5 * y * (1 + torch.erf(y / math.sqrt(2))),
    "silu": lambda y: y / (1 + torch.exp(-y)),
    "relu": lambda y: y * (y > 0),
    "tanh": lambda y: (torch.exp(y) - torch.exp(-y)) / (torch.exp(y) + torch.exp(-y)),
}


def naive_query(prompts: PromptSynthesiser, tokens: list[Tensor]) -> Tensor:
    """Q: steps 1 and 2 for one query's tokens."""

    def transformed(x: Tensor) -> Tensor:
        h = ACTIVATIONS[prompts.config.activation](linear(prompts.query_down, x))
        h = linear(prompts.query_up, h)
        if not prompts.config.layer_norm:
            return h
        mean = sum(h) / len(h)
        variance = sum((one - mean) ** 2 for one in h) / len(h)
        norm: Any = prompts.norm
        normed: Tensor = (h - mean) / torch.sqrt(variance + 1e-5) * norm.weight + norm.bias
        return normed

    if prompts.config.pool == "before":
        return transformed(maximum(tokens))
    return maximum([transformed(token) for token in tokens])


def naive_synthesis(prompts: PromptSynthesiser, tokens: list[Tensor]) -> tuple[Tensor, Tensor]:
    """α (N) and the prefix (m, 2·L·d) of one query, as METHOD §2 writes them."""
    config = prompts.config
    if config.query_conditional:
        query = naive_query(prompts, tokens)
        scores = [query @ maximum(list(prompt)) / config.temperature for prompt in prompts.prompts]
        if config.scale_scores:
            scores = [score / math.sqrt(D) for score in scores]
        total = sum(torch.exp(score) for score in scores)
        alpha = [torch.exp(score) / total for score in scores]
    else:
        alpha = [torch.tensor(1 / config.prompts, dtype=torch.float64)] * config.prompts

    def prefix_encoder(prompt: Tensor) -> Tensor:
        return torch.stack(
            [linear(prompts.prefix_up, torch.tanh(linear(prompts.prefix_down, p))) for p in prompt]
        )

    if config.mix == "prompt":
        mixture = sum(a * p for a, p in zip(alpha, prompts.prompts, strict=True))
        assert isinstance(mixture, Tensor)
        return torch.stack(alpha), prefix_encoder(mixture)
    mixture = sum(a * prefix_encoder(p) for a, p in zip(alpha, prompts.prompts, strict=True))
    assert isinstance(mixture, Tensor)
    return torch.stack(alpha), mixture


@budget(max_examples=40, deadline=None)
@given(
    mix=st.sampled_from(["prompt", "prefix"]),
    pool=st.sampled_from(["before", "after"]),
    activation=st.sampled_from(["gelu", "silu", "relu", "tanh"]),
    layer_norm=st.booleans(),
    bias=st.booleans(),
    scale_scores=st.booleans(),
    query_conditional=st.booleans(),
    temperature=st.sampled_from([1.0, math.e, 3.0]),
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    seed=st.integers(0, 1000),
)
def test_every_switch_equals_the_written_out_formula(
    lengths: list[int], seed: int, **switches: Any
) -> None:
    prompts = prompts_of(seed, **switches)
    embeddings, mask = batch_of(lengths)
    with torch.no_grad():
        prefix, attention = prompts(embeddings, mask)
        assert attention.shape == (len(lengths), 4)
        for text, length in enumerate(lengths):
            alpha, expected = naive_synthesis(prompts, list(embeddings[text, :length]))
            torch.testing.assert_close(attention[text], alpha, rtol=0, atol=1e-10)
            layers = [layer.keys_values(HEADS) for layer in prefix]
            rows = [
                one.expand(len(lengths), -1, -1, -1)[text].transpose(0, 1).flatten(1)
                for pair in layers
                for one in pair
            ]
            torch.testing.assert_close(torch.cat(rows, dim=1), expected, rtol=0, atol=1e-10)


def test_one_prefix_is_made_where_queries_make_no_difference() -> None:
    prefix, attention = prompts_of(query_conditional=False)(*batch_of([2, 3, 1]))
    assert prefix[0].hidden.shape == (1, 3, 2)
    assert torch.equal(attention, torch.full((3, 4), 0.25, dtype=torch.float64))


def test_plain_prefix_tuning_has_a_prompt_and_the_prefix_encoder_alone() -> None:
    config = PromptConfig.preset("prefix-tuning", length=3, prefix_hidden=2)
    prompts = PromptSynthesiser(config, D, LAYERS)
    assert {name.partition(".")[0] for name, _ in prompts.named_parameters()} == {
        "prompts",
        "prefix_down",
        "prefix_up",
    }
    _, attention = prompts(*[one.float() for one in batch_of([2, 1])])
    assert torch.equal(attention, torch.ones(2, 1))


@pytest.mark.parametrize("preset", list(PRESETS))
def test_every_parameter_gets_a_gradient(preset: str) -> None:
    config = PromptConfig.preset(preset, **{**SMALL, "prompts": PRESETS[preset].prompts})
    prompts = PromptSynthesiser(config, D, LAYERS).double()
    with torch.no_grad():
        prompts.prompts.normal_()
    embeddings, mask = batch_of([4, 2])
    embeddings.requires_grad_()
    prefix, attention = prompts(embeddings, mask)
    loss = attention.square().sum()
    for layer in prefix:
        keys, values = layer.keys_values(HEADS)
        loss = loss + keys.square().sum() + (values**3).sum()
    loss.backward()
    for name, parameter in prompts.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name
    if config.query_conditional:
        assert embeddings.grad is not None
        assert torch.equal(embeddings.grad[1, 2:], torch.zeros(2, D, dtype=torch.float64))
        assert embeddings.grad[1, :2].any()


def test_parameters_are_counted_as_the_class_says() -> None:
    def count(**changes: Any) -> int:
        with torch.device("meta"):
            made = PromptSynthesiser(PromptConfig(**changes), 768, 12)
        return sum(parameter.numel() for parameter in made.parameters())

    n, m, d, d_h, d_p, layers = 20, 100, 768, 400, 100, 12
    paper = n * m * d + 2 * d * d_h + 2 * d + d * d_p + 2 * layers * d * d_p
    assert count() == paper == 4_071_936
    assert count(bias=True) == paper + d_h + d + d_p + 2 * layers * d


def test_presets_differ_by_switches_alone() -> None:
    paper, released = PRESETS["paper"], PRESETS["released"]
    assert paper == PromptConfig()
    assert paper.temperature == math.e
    assert (released.mix, released.pool, released.activation) == ("prefix", "after", "silu")
    assert PromptConfig.preset("released", mix="prompt").mix == "prompt"
    assert PromptConfig.preset("paper", prompts=2).prompts == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompts": 0}, "prompts: 0"),
        ({"length": 2.0}, "length: 2.0"),
        ({"query_hidden": True}, "query_hidden: True"),
        ({"prefix_hidden": -1}, "prefix_hidden: -1"),
        ({"temperature": 0}, "temperature: 0"),
        ({"temperature": float("nan")}, "temperature: nan"),
        ({"initialisation_scale": float("inf")}, "initialisation_scale: inf"),
        ({"dropout": 1.0}, "dropout: 1.0"),
        ({"mix": "prefixes"}, "mix: 'prefixes'; known are prompt, prefix"),
        ({"pool": None}, "pool: None"),
        ({"activation": "swish"}, "activation: 'swish'"),
        ({"initialisation": "zeros"}, "initialisation: 'zeros'"),
        ({"bias": 1}, "bias: 1"),
        ({"query_conditional": False}, "kmeans clusters query representations"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PromptConfig(**changes)


def test_unknown_presets_and_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="known are paper, released, prefix-tuning"):
        PromptConfig.preset("papr")
    with pytest.raises(ValueError, match="'lenght'"):
        PromptConfig.preset("paper", lenght=3)


def test_prompts_are_encoded_once_for_inference_and_forgotten_when_they_change() -> None:
    prompts, batch = prompts_of(mix="prefix"), batch_of([3, 2])
    plain = prompts(*batch).prefix[0].hidden
    prompts.precompute()
    assert torch.equal(prompts(*batch).prefix[0].hidden, plain)
    state = {name: weight.clone() for name, weight in prompts.state_dict().items()}
    prompts.train()
    with torch.no_grad():
        prompts.prefix_down.weight.mul_(2)
    changed = prompts.eval()(*batch).prefix[0].hidden
    assert (changed - plain).abs().max() > 1e-3
    prompts.precompute()
    assert torch.equal(prompts(*batch).prefix[0].hidden, changed)
    prompts.load_state_dict(state)
    assert torch.equal(prompts(*batch).prefix[0].hidden, plain)


@pytest.mark.parametrize("mix", ["prompt", "prefix"])
def test_what_queries_are_scored_against_is_forgotten_with_the_prompts(mix: Any) -> None:
    prompts, batch = prompts_of(mix=mix), batch_of([3, 2])
    plain = prompts(*batch).attention
    prompts.precompute()
    assert torch.equal(prompts(*batch).attention, plain)
    prompts.train()
    with torch.no_grad():
        prompts.prompts.copy_(prompts.prompts.flip(0))
    assert torch.allclose(prompts.eval()(*batch).attention, plain.flip(1))


def test_dropout_falls_in_training_alone() -> None:
    prompts, batch = prompts_of(dropout=0.5, mix="prefix"), batch_of([3, 2])
    torch.manual_seed(0)
    settled = prompts(*batch)
    keys = settled.prefix[0].keys_values(HEADS)[0]
    assert torch.equal(prompts(*batch).prefix[0].keys_values(HEADS)[0], keys)
    prompts.train()
    first, second = prompts(*batch), prompts(*batch)
    assert torch.equal(first.attention, settled.attention)
    assert not torch.equal(first.prefix[0].hidden, second.prefix[0].hidden)
    dropped = first.prefix[0].keys_values(HEADS)[0]
    assert 0.2 < (dropped == 0).double().mean() < 0.8


def test_prompt_attention_keeps_its_precision_under_autocast() -> None:
    prompts = prompts_of().float()
    embeddings, mask = batch_of([4, 2])
    embeddings = embeddings.float()
    expected = prompts(embeddings, mask)
    with torch.autocast("cpu", torch.bfloat16):
        prefix, attention = prompts(embeddings, mask)
    assert torch.equal(attention, expected.attention)
    assert prefix[0].hidden.dtype == torch.bfloat16
    torch.testing.assert_close(
        prefix[0].hidden.float(), expected.prefix[0].hidden, rtol=0, atol=0.05
    )


def test_saved_prompts_come_back_bit_for_bit(tmp_path: Path) -> None:
    prompts = prompts_of(mix="prefix", temperature=3.0, bias=True).float()
    save_prompts(prompts, tmp_path)
    loaded = load_prompts(tmp_path, D, LAYERS)
    assert loaded.config == prompts.config
    for name, weight in prompts.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)


def test_damaged_prompts_are_refused(tmp_path: Path) -> None:
    save_prompts(prompts_of().float(), tmp_path)
    settings, weights = tmp_path / "prompts.json", tmp_path / "prompts.safetensors"
    with pytest.raises(ValueError, match="not the weights"):
        load_prompts(tmp_path, D, LAYERS + 1)

    whole = settings.read_text()
    for changes, message in (({"lenght": 3}, "'lenght'"), ({"length": 0}, "length: 0")):
        settings.write_text(json.dumps({**json.loads(whole), **changes}))
        with pytest.raises(ValueError, match=message):
            load_prompts(tmp_path, D, LAYERS)
    settings.write_text(whole.replace('"mix": "prompt",', ""))
    with pytest.raises(ValueError, match="mix is missing"):
        load_prompts(tmp_path, D, LAYERS)
    settings.write_text(whole)

    tensors = load_file(weights)
    save_file({**tensors, "prompts": tensors["prompts"] * float("nan")}, weights)
    with pytest.raises(ValueError, match="NaN"):
        load_prompts(tmp_path, D, LAYERS)
    save_file({**tensors, "spare": torch.zeros(1)}, weights)
    with pytest.raises(ValueError, match="spare"):
        load_prompts(tmp_path, D, LAYERS)
    weights.unlink()
    with pytest.raises(ValueError, match="no prompts that can be loaded"):
        load_prompts(tmp_path, D, LAYERS)
