"""Query-conditional prompt synthesis (METHOD §2): a query's prefix out of shared prompts."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from hyper_ir.models.checkpoint import read_object
from hyper_ir.models.prefix_attention import LayerPrefix, Prefix
from hyper_ir.models.prompt_config import Activation, PromptConfig

PROMPTS_FILE = "prompts.safetensors"
SETTINGS_FILE = "prompts.json"

_ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "gelu": nn.functional.gelu,
    "silu": nn.functional.silu,
    "relu": torch.relu,
    "tanh": torch.tanh,
}


class Synthesis(NamedTuple):
    """What the prompts give for a batch of queries.

    Attributes
    ----------
    prefix: for :meth:`~hyper_ir.models.backbone.Backbone.forward`.
    attention: α, ``(batch, N)``: each prompt's share in each query's prefix; rows sum to 1.
    """

    prefix: Prefix
    attention: Tensor


class PromptSynthesiser(nn.Module):
    """Shared prompts, the query transformation, and the prefix encoder.

    With N prompts of m positions, hidden size d and L layers it has
    ``N·m·d + 2·d·d_h + 2·d + d·d_p + 2·L·d·d_p`` parameters (prompts, W1 and W2, layer norm, W_dp,
    W_up), 4,071,936 in the paper's sizes; biases add ``d_h + d + d_p + 2·L·d``. There are no W1,
    W2 and layer norm where prompts are not query-conditional.

    Parameters
    ----------
    config: the switches.
    hidden_size: d, of the backbone and its word embeddings.
    layers: L, of the backbone.

    Prompts start at 0: :func:`~hyper_ir.models.prompt_initialisation.initialise` or loading gives
    them their values.
    """

    def __init__(self, config: PromptConfig, hidden_size: int, layers: int) -> None:
        super().__init__()
        self.config = config
        self.hidden_size = hidden_size
        self.layers = layers
        self.prompts = nn.Parameter(torch.zeros(config.prompts, config.length, hidden_size))
        if config.query_conditional:
            self.query_down = nn.Linear(hidden_size, config.query_hidden, bias=config.bias)
            self.query_up = nn.Linear(config.query_hidden, hidden_size, bias=config.bias)
            self.norm = nn.LayerNorm(hidden_size) if config.layer_norm else nn.Identity()
        self.prefix_down = nn.Linear(hidden_size, config.prefix_hidden, bias=config.bias)
        self.prefix_up = nn.Linear(config.prefix_hidden, 2 * layers * hidden_size, bias=config.bias)
        self._keys: Tensor | None = None
        self._encoded: Tensor | None = None
        self.register_load_state_dict_post_hook(_forget)  # type: ignore[no-untyped-call]

    def forward(self, embeddings: Tensor, attention_mask: Tensor) -> Synthesis:
        """Queries to prefixes.

        Parameters
        ----------
        embeddings: X, ``(batch, length, d)``: the tokens' rows of the word embedding table, special
            tokens included.
        attention_mask: ``(batch, length)``, 0 for padding; each query has a token at least.
        """
        attention = self.prompt_attention(embeddings, attention_mask)
        # Where no query differs from another, one prefix is made for all of them.
        rows = attention if self.config.query_conditional else attention[:1]
        return Synthesis(self._prefix(self._mixed(rows)), attention)

    def query(self, embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        """The query's representation Q, ``(batch, d)``; arguments as in :meth:`forward`."""
        padding = ~attention_mask.unsqueeze(-1).bool()
        if self.config.pool == "before":
            return self._transformed(_maximum(embeddings, padding))
        return _maximum(self._transformed(embeddings), padding)

    def prompt_attention(self, embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        """The prompt attention α, ``(batch, N)``, always in the parameters' own precision.

        It needs word embeddings only: α is known before the transformer runs.
        """
        size = self.config.prompts
        if not self.config.query_conditional:
            return self.prompts.new_full((len(embeddings), size), 1 / size)
        # In bfloat16 a score of 10 is known to 0.03, which moves the softmax by 3 %.
        with torch.autocast(embeddings.device.type, enabled=False):
            query = self.query(embeddings.to(self.prompts.dtype), attention_mask)
            keys = self.prompts.amax(dim=1) if self._keys is None else self._keys
            scores = query @ keys.T / self.config.temperature
            if self.config.scale_scores:
                scores = scores / math.sqrt(self.hidden_size)
            return torch.softmax(scores, dim=-1)

    def precompute(self) -> None:
        """Compute what is the same for all queries to come: for inference.

        Those are the prompts' maxima, against which queries are scored, and with ``mix="prefix"``
        the N encoded prompts. :meth:`train` and loading forget them again.
        """
        self._encoded = None
        with torch.no_grad():
            self._keys = self.prompts.amax(dim=1)
            if self.config.mix == "prefix":
                self._encoded = self.bottleneck(self.prompts)

    def train(self, mode: bool = True) -> PromptSynthesiser:
        """Switch training on or off; on, precomputed prompts are forgotten."""
        if mode:
            _forget(self)
        return super().train(mode)

    def _transformed(self, states: Tensor) -> Tensor:
        hidden = _ACTIVATIONS[self.config.activation](self.query_down(states))
        result = self.norm(self.query_up(hidden))
        assert isinstance(result, Tensor)
        return result

    def _mixed(self, attention: Tensor) -> Tensor:
        """The prefix encoder's hidden state of the mixture, ``(rows, m, d_p)``.

        What follows it is linear and the attention sums to 1, so ``mix="prefix"`` can mix here as
        well as after the last map.
        """
        if self._encoded is not None:
            encoded = self._encoded
        else:
            prompts = nn.functional.dropout(self.prompts, self.config.dropout, self.training)
            if self.config.mix == "prompt":
                return self.bottleneck(_mixture(attention, prompts))
            encoded = self.bottleneck(prompts)
        return _mixture(attention, encoded)

    def bottleneck(self, prompts: Tensor) -> Tensor:
        """The prefix encoder's hidden states, ``(…, d)`` to ``(…, d_p)``."""
        return torch.tanh(self.prefix_down(prompts))

    def _prefix(self, hidden: Tensor) -> Prefix:
        dropout = self.config.dropout if self.training else 0.0
        weights = self.prefix_up.weight.view(self.layers, 2 * self.hidden_size, -1).unbind(0)
        biases: Sequence[Tensor | None] = [None] * self.layers
        if self.config.bias:
            biases = self.prefix_up.bias.view(self.layers, 2 * self.hidden_size).unbind(0)
        return tuple(
            LayerPrefix(hidden, weight, bias, dropout)
            for weight, bias in zip(weights, biases, strict=True)
        )


def _forget(prompts: nn.Module, _: object = None) -> None:
    """Weights change: what was computed of the old ones is void."""
    assert isinstance(prompts, PromptSynthesiser)
    prompts._keys = prompts._encoded = None


def _maximum(states: Tensor, padding: Tensor) -> Tensor:
    """The maximum over real tokens: (batch, length, d) and (batch, length, 1) to (batch, d)."""
    return states.masked_fill(padding, -torch.inf).amax(dim=1)


def _mixture(attention: Tensor, items: Tensor) -> Tensor:
    """Σ_i α_i · item_i: (rows, N) and (N, m, width) to (rows, m, width)."""
    return (attention @ items.flatten(1)).view(len(attention), *items.shape[1:])


def save_prompts(prompts: PromptSynthesiser, folder: Path) -> None:
    """Write prompts.safetensors and prompts.json into a folder that is there."""
    tensors = {name: weight.contiguous() for name, weight in prompts.state_dict().items()}
    save_file(tensors, folder / PROMPTS_FILE)
    save_prompt_config(prompts.config, folder)


def save_prompt_config(config: PromptConfig, folder: Path) -> None:
    """Write prompts.json into a folder that is there."""
    settings = json.dumps(asdict(config), indent=2) + "\n"
    (folder / SETTINGS_FILE).write_text(settings, encoding="utf-8")


def load_prompt_config(folder: Path) -> PromptConfig:
    """Read prompts.json; ValueError where it is missing or a setting is unknown or out of range."""
    settings = read_object(folder / SETTINGS_FILE)
    known = {field.name for field in fields(PromptConfig)}
    for name in settings:
        if name not in known:
            raise ValueError(f"{folder / SETTINGS_FILE}: no setting is called {name!r:.100}")
    for name in sorted(known - set(settings)):
        raise ValueError(f"{folder / SETTINGS_FILE}: {name} is missing")
    try:
        return PromptConfig(**settings)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{folder / SETTINGS_FILE}: {error!s:.500}") from error


def load_prompts(folder: Path, hidden_size: int, layers: int) -> PromptSynthesiser:
    """Read what :func:`save_prompts` wrote.

    Raises ValueError when a file is missing or damaged, a setting is unknown or out of range, or
    the weights are not for a backbone of this hidden size and so many layers.
    """
    config = load_prompt_config(folder)
    path = folder / PROMPTS_FILE
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: no prompts that can be loaded: {error}") from error
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{path}: {name} holds NaN or infinity")
    try:
        _require_shapes(tensors, config, hidden_size, layers)
        prompts = PromptSynthesiser(config, hidden_size, layers)
        prompts.load_state_dict(tensors)
    except (RuntimeError, TypeError) as error:  # sizes beyond 64 bits are a TypeError
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path}: not the weights of {SETTINGS_FILE}: {reason}") from error
    return prompts.eval()


def _require_shapes(
    tensors: dict[str, Tensor], config: PromptConfig, hidden_size: int, layers: int
) -> None:
    """Raise RuntimeError for weights that are not the settings', whose sizes may be absurd."""
    with torch.device("meta"):  # takes no memory
        wanted = PromptSynthesiser(config, hidden_size, layers).state_dict()
    for name in sorted({*wanted, *tensors}):
        if name not in wanted or name not in tensors:
            raise RuntimeError(f"{name} is in one of the two alone")
        if wanted[name].shape != tensors[name].shape:
            there, asked = tuple(tensors[name].shape), tuple(wanted[name].shape)
            raise RuntimeError(f"{name} is {there} where {asked} is needed")
