"""Passages and their vectors to lines of Anserini's JsonVectorCollection."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from hyper_ir.data.records import Passage
from hyper_ir.data.vectors import EMPTY_DOCUMENT
from hyper_ir.encode.engine import Terms


class LineWriter:
    """Writes lines; each token's part of them is made once.

    Parameters
    ----------
    tokens: the vocabulary's tokens by id, as Lucene is to see them.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.keys = [json.dumps(token, ensure_ascii=False) + ": " for token in tokens]

    def line(self, passage: Passage, vector: Terms | np.ndarray) -> str:
        """One line, without its end, equal to what ``json.dumps`` writes of it.

        A text without any term gets one placeholder term, so that every reader finds a vector.
        """
        id = json.dumps(passage.id, ensure_ascii=False)
        contents = json.dumps(passage.contents, ensure_ascii=False)
        return f'{{"id": {id}, "contents": {contents}, "vector": {self._value(vector)}}}'

    def _value(self, vector: Terms | np.ndarray) -> str:
        if isinstance(vector, np.ndarray):
            return json.dumps(vector.tolist())
        ids, impacts = vector
        if not len(ids):
            return json.dumps({EMPTY_DOCUMENT: 1})
        keys = self.keys
        pairs = zip(ids.tolist(), impacts.tolist(), strict=True)
        return "{" + ", ".join([f"{keys[id]}{impact}" for id, impact in pairs]) + "}"


def counts_of(vectors: Sequence[Terms | np.ndarray]) -> dict[str, int]:
    """How many documents, terms and empty vectors these are."""
    sizes = [len(vector[0]) for vector in vectors if isinstance(vector, tuple)]
    return {"documents": len(vectors), "terms": sum(sizes), "empty": sizes.count(0)}
