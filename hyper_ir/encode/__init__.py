"""Text to vector: Pyserini's encoder interface over a retriever; prune, quantise, write, resume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hyper_ir.encode.encoders import HyperDocumentEncoder, HyperQueryEncoder

__all__ = ["HyperDocumentEncoder", "HyperQueryEncoder"]


def __getattr__(name: str) -> Any:
    """Load the encoders, and with them Pyserini and torch, only when one is asked for."""
    if name in __all__:
        from hyper_ir.encode import encoders

        return getattr(encoders, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
