"""Hits out of the JVM as one text, instead of one Python object a hit.

pyjnius makes an object of every hit and looks up its class: 1,000 hits take it 10 ms, several times
what Lucene takes to find them. Jackson, which Anserini brings along, writes them all at once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from hyper_ir.data.records import Hit
from hyper_ir.lucene import pyserini_api

_MAPPER = "com.fasterxml.jackson.databind.ObjectMapper"
_DOCUMENT = "org.apache.lucene.document.Document"


class HitsAsText:
    """Anserini's searcher as Pyserini's holds it (``.object``), but for how its hits are read.

    Parameters
    ----------
    searcher: the Java object.
    pyserini: loaded.
    """

    def __init__(self, searcher: Any, pyserini: pyserini_api.Pyserini) -> None:
        self._searcher = searcher
        self._mapper = pyserini.autoclass(_MAPPER)()
        # A hit holds the stored document too, which nobody asks for here.
        document = pyserini.autoclass("java.lang.Class").forName(_DOCUMENT)
        true = pyserini.autoclass("java.lang.Boolean")("true")
        self._mapper.configOverride(document).setIsIgnoredType(true)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the Java object's own."""
        return getattr(self._searcher, name)

    def batch_search(self, *arguments: Any) -> dict[str, list[dict[str, Any]]]:
        """Search; the hits of all queries by id, read at once."""
        text = self._mapper.writeValueAsString(self._searcher.batch_search(*arguments))
        found: dict[str, list[dict[str, Any]]] = json.loads(text)
        return found


def read_hits(found: Sequence[dict[str, Any]]) -> list[Hit]:
    """The hits of one query, scores to the last bit of Lucene's 32."""
    scores = np.array([hit["score"] for hit in found], dtype=np.float32).astype(np.float64)
    return [Hit(hit["docid"], score) for hit, score in zip(found, scores.tolist(), strict=True)]
