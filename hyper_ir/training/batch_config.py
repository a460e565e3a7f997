"""How a recipe's examples become batches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BatchConfig:
    """How examples become batches.

    Attributes
    ----------
    size: queries in a global batch, over all ranks.
    negatives: hard negatives drawn for each query at each visit; fewer where it has fewer.
    temperature: how tasks of different sizes are mixed, from 0 (all alike) to 1 (by size); see
        :class:`~hyper_ir.training.mixing.TaskMixture`.
    caps: the greatest size that a task counts with, for all tasks or by name; None for none.
    token_budget: most query tokens of a global batch, padding counted; None for equal batches.
    query_length: tokens a query is cut to; None for the model's own.
    document_length: tokens a document is cut to; None for the model's own.
    chunk_tokens: texts are encoded in chunks of similar length of at most so many tokens,
        padding counted; None encodes a side at once. Less padding, the same result.
    grad_cache: forget what a chunk computed but for its vectors, and compute it again for the
        gradient: memory then grows with a chunk, not with the batch (GradCache).
    accumulation: batches whose gradients are added for one step; each has its own negatives.
    workers: processes that read examples ahead.
    """

    size: int = 256
    negatives: int = 19
    temperature: float = 1.0
    caps: dict[str, int] | int | None = None
    token_budget: int | None = None
    query_length: int | None = None
    document_length: int | None = None
    chunk_tokens: int | None = None
    grad_cache: bool = False
    accumulation: int = 1
    workers: int = 0

    def __post_init__(self) -> None:
        for name in ("size", "accumulation"):
            if getattr(self, name) < 1:
                raise ValueError(f"batch.{name}: {getattr(self, name)} is not a positive number")
        for name in ("negatives", "workers"):
            if getattr(self, name) < 0:
                raise ValueError(f"batch.{name}: {getattr(self, name)} is negative")
        for name in ("token_budget", "chunk_tokens", "query_length", "document_length"):
            value = getattr(self, name)
            if value is not None and value < 3:
                raise ValueError(f"batch.{name}: {value} tokens leave no room for a word")
        if self.grad_cache and self.chunk_tokens is None:
            raise ValueError(
                "batch.grad_cache needs batch.chunk_tokens: how much is kept at a time"
            )
