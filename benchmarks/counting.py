"""Arithmetic and bytes of encoding, counted from shapes and real numbers of tokens.

A product of (a, b) and (b, c) is 2·a·b·c operations. Layer norms, activations and softmax are
left out: they are some per cent of the operations, and none of them are matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """The sizes of a BERT-like masked-LM model."""

    name: str
    layers: int
    hidden: int
    heads: int
    intermediate: int
    vocabulary: int = 30522

    @property
    def layer_parameters(self) -> int:
        """Weights of one layer's matrices: query, key, value, output; up and down."""
        return 4 * self.hidden**2 + 2 * self.hidden * self.intermediate

    def transformer_operations(self, lengths: Sequence[int]) -> int:
        """Of all layers and the head's transform (hidden × hidden), for texts of these lengths."""
        tokens = sum(lengths)
        # Scores and mixtures: 2·n·n·hidden each.
        attention = sum(4 * length**2 * self.hidden for length in lengths)
        linear = 2 * tokens * self.layer_parameters
        return self.layers * (linear + attention) + 2 * tokens * self.hidden**2

    def head_operations(self, lengths: Sequence[int]) -> int:
        """Of the product with the decoder (hidden × vocabulary)."""
        return 2 * sum(lengths) * self.hidden * self.vocabulary

    def transformer_weights(self, width: int = 4) -> int:
        """Bytes of the layers' matrices, read once a batch; ``width`` bytes a number."""
        return width * (self.layers * self.layer_parameters + self.hidden**2)

    def head_weights(self, width: int = 4) -> int:
        """Bytes of the decoder, read once a batch."""
        return width * self.hidden * self.vocabulary

    def logits(self, lengths: Sequence[int], width: int = 4) -> int:
        """Bytes of all logits: what a head that keeps them writes, and reads again for each of
        bias, ReLU, logarithm, mask and maximum."""
        return width * sum(lengths) * self.vocabulary

    def vectors(self, texts: int, width: int = 4) -> int:
        """Bytes of the maxima: what a head that keeps no logits writes, and sparsifying reads."""
        return width * texts * self.vocabulary


@dataclass(frozen=True)
class Prompts:
    """The sizes of query-conditional prompts; the paper's stand here."""

    prompts: int = 20
    positions: int = 100
    query_hidden: int = 400
    bottleneck: int = 100

    def parameters(self, shape: Shape) -> int:
        """Prompts, the query's two maps, and the prefix encoder's two."""
        maps = 2 * self.query_hidden + self.bottleneck + 2 * shape.layers * self.bottleneck
        return shape.hidden * (self.prompts * self.positions + maps)

    def operations(self, shape: Shape, length: int) -> int:
        """That a query of this length takes more with them than without."""
        hidden, positions, narrow = shape.hidden, self.positions, self.bottleneck
        attention = 4 * hidden * self.query_hidden + 2 * self.prompts * hidden
        mixture = 2 * self.prompts * positions * hidden + 2 * positions * hidden * narrow
        layer = min(self.built(shape, length), self.mapped(shape, length))
        return attention + mixture + shape.layers * layer

    def built(self, shape: Shape, length: int) -> int:
        """Of a layer that builds the prefix's keys and values, and attends to them."""
        return 4 * self.positions * shape.hidden * (self.bottleneck + length)

    def mapped(self, shape: Shape, length: int) -> int:
        """Of a layer that maps the query's tokens into the bottleneck instead."""
        return 4 * length * self.bottleneck * (shape.hidden + shape.heads * self.positions)


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("minilm", 6, 384, 12, 1536),
        Shape("distilbert", 6, 768, 12, 3072),
        Shape("bert-base", 12, 768, 12, 3072),
    )
}
