"""What a grid's dry run reckons with, as typed settings."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class CostConfig:
    """What the dry run reckons with until cells are finished: assumed, not measured here.

    Attributes
    ----------
    device: what the figures are of.
    seconds_per_step: of training; null reckons it from the figures below.
    seconds_per_passage, seconds_per_query: of encoding; null reckons them likewise.
    tflops: what the device sustains, in 10^12 operations a second.
    parameters: of the transformer without its word embeddings, and of the head's product.
    query_tokens, document_tokens: the mean.
    examples, passages: how many there are, where the files are not there to be counted.
    zero_shot_passages: of all zero-shot collections.
    queries: of a cell's tests.
    bytes_per_passage: of sparse vectors in a file; as arrays they take about as much again.
    dense_bytes_per_passage: of dense vectors, in a file and as arrays.
    index_bytes_per_passage: of an impact index.
    memory: what a training run needs, in words.
    inputs: how the inputs are had: commands and pages, a line each.
    """

    device: str = ""
    seconds_per_step: float | None = None
    seconds_per_passage: float | None = None
    seconds_per_query: float | None = None
    tflops: float | None = None
    parameters: float = 110e6
    query_tokens: float = 32
    document_tokens: float = 140
    examples: int | None = None
    passages: int | None = None
    zero_shot_passages: int = 0
    queries: int = 0
    bytes_per_passage: float = 3000
    dense_bytes_per_passage: float = 10000
    index_bytes_per_passage: float = 360
    memory: str = ""
    inputs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, int | float) and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"cost.{name}: {value} is not a number from 0 on")
