"""The flags of a query encoder, for every verb that encodes topics itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hyper_ir.search.query_encoders import ModelSettings

MODEL_FLAGS = {"device", "max_length", "quantization_factor", "fp16", "mode"}
"""What says nothing without ``--encoder MODEL``."""


def add_model_flags(add: Callable[..., Any], factor_of: str) -> None:
    """Add them with a parser's or a group's ``add_argument``; ``factor_of``: for the help."""
    add("--device", default="auto", help="where the encoder runs")
    add("--max-length", type=int, help="tokens a topic is cut to (default: the model's)")
    add("--quantization-factor", type=float, default=100.0, help=f"of {factor_of} weights")
    add("--mode", choices=["exact", "fast"], default="exact", help="fast: bfloat16 where there is")
    add("--fp16", action="store_true", help="fast, in float16, on a GPU")


def model_settings(arguments: argparse.Namespace) -> ModelSettings:
    """What these flags say."""
    from hyper_ir.search.query_encoders import ModelSettings

    return ModelSettings(
        arguments.device,
        arguments.max_length,
        quantization_factor=arguments.quantization_factor,
        fp16=arguments.fp16,
        mode=arguments.mode,
    )
