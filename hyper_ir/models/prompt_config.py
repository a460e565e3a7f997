"""The settings of query-conditional prompts, and the two published forms of them."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

Mix = Literal["prompt", "prefix"]
QueryPool = Literal["before", "after"]
Activation = Literal["gelu", "silu", "relu", "tanh"]
Initialisation = Literal["normal", "uniform", "words", "kmeans"]
PrefixInitialisation = Literal["random", "activations", "quiet"]


@dataclass(frozen=True)
class PromptConfig:
    """How a query's prefix is made of the shared prompts.

    The values that stand here are the paper's (preset ``"paper"``).

    Attributes
    ----------
    prompts: N, how many basic prompts are shared by all queries.
    length: m, positions of a prompt and of the prefix.
    query_hidden: d_h, width of the query transformation.
    prefix_hidden: d_p, width of the prefix encoder's bottleneck.
    temperature: τ, what scores are divided by before the softmax.
    mix: ``"prompt"`` mixes prompts and encodes the mixture; ``"prefix"`` encodes each prompt and
        mixes the prefixes.
    pool: whether the maximum over the query's tokens is taken ``"before"`` or ``"after"`` the
        transformation (its layer norm included).
    activation: of the query transformation.
    layer_norm: whether the transformed query is normalised.
    bias: whether the four linear maps have biases.
    scale_scores: whether scores are divided by √d as well.
    query_conditional: False makes the prompt attention uniform; there is no query transformation
        then. With one prompt that is plain prefix-tuning.
    dropout: of prompt components, and of keys and values, in training.
    initialisation, initialisation_scale: how prompts start; see
        :mod:`hyper_ir.models.prompt_initialisation`.
    prefix_initialisation: how the prefix encoder starts: ``"random"``, at ``"activations"`` of
        queries, or ``"quiet"``: at activations that hardly get attention, so that training begins
        with what the backbone does; see :mod:`hyper_ir.models.prefix_initialisation`.
    """

    prompts: int = 20
    length: int = 100
    query_hidden: int = 400
    prefix_hidden: int = 100
    temperature: float = math.e
    mix: Mix = "prompt"
    pool: QueryPool = "before"
    activation: Activation = "gelu"
    layer_norm: bool = True
    bias: bool = False
    scale_scores: bool = False
    query_conditional: bool = True
    dropout: float = 0.0
    initialisation: Initialisation = "kmeans"
    initialisation_scale: float = 1.0
    prefix_initialisation: PrefixInitialisation = "random"

    def __post_init__(self) -> None:
        for name in ("prompts", "length", "query_hidden", "prefix_hidden"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name}: {value!r} is not a whole number of 1 or more")
        for name in ("temperature", "initialisation_scale"):
            if not (_is_number(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name}: {getattr(self, name)!r} is not a number above 0")
        if not (_is_number(self.dropout) and 0 <= self.dropout < 1):
            raise ValueError(f"dropout: {self.dropout!r} is not from 0 to below 1")
        for name, kind in _CHOICES.items():
            value, known = getattr(self, name), get_args(kind)
            if value not in known:
                raise ValueError(f"{name}: {value!r}; known are {', '.join(known)}")
        for name in ("layer_norm", "bias", "scale_scores", "query_conditional"):
            if type(getattr(self, name)) is not bool:
                raise ValueError(f"{name}: {getattr(self, name)!r} is neither true nor false")
        if self.initialisation == "kmeans" and not self.query_conditional:
            raise ValueError(
                "initialisation: kmeans clusters query representations, of which there are none "
                "where prompts are not query-conditional; take words"
            )

    @property
    def starts_from_queries(self) -> bool:
        """Whether prompts or the prefix encoder are initialised from training queries."""
        return self.initialisation == "kmeans" or self.prefix_initialisation != "random"

    @classmethod
    def preset(cls, name: str, **changes: Any) -> PromptConfig:
        """A published form by its name, with settings of it changed.

        - ``"paper"``: as ICLR 2023 prints it.
        - ``"released"``: as the authors' scripts compute it.
        - ``"prefix-tuning"``: one static prefix through the same prefix encoder.

        Raises ValueError for an unknown name or setting.
        """
        if name not in PRESETS:
            raise ValueError(f"prompt preset: {name!r}; known are {', '.join(PRESETS)}")
        known = {field.name for field in fields(cls)}
        for change in changes:
            if change not in known:
                raise ValueError(f"prompts: no setting is called {change!r}")
        return replace(PRESETS[name], **changes)


def _is_number(value: object) -> bool:
    if type(value) is int:  # which can be too large for a float
        return abs(value) <= sys.float_info.max
    return type(value) is float and math.isfinite(value)


_CHOICES: dict[str, Any] = {
    "mix": Mix,
    "pool": QueryPool,
    "activation": Activation,
    "initialisation": Initialisation,
    "prefix_initialisation": PrefixInitialisation,
}

PRESETS: dict[str, PromptConfig] = {
    "paper": PromptConfig(),
    "released": PromptConfig(
        temperature=3.0,
        mix="prefix",
        pool="after",
        activation="silu",
        bias=True,
        dropout=0.1,
        initialisation="uniform",
    ),
    "prefix-tuning": PromptConfig(prompts=1, query_conditional=False, initialisation="words"),
}
