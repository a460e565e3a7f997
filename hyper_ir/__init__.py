"""hyper_ir: one retriever for every kind of query, on Pyserini, Lucene and ir-measures.

Importing the package is cheap: torch, transformers and the JVM are loaded when first used.
"""

from hyper_ir.version import __version__

__all__ = ["__version__"]
