"""What OpenSearch and Elasticsearch are told: an index's mapping, a document, a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from hyper_ir.export.field_names import field_name

Engine = Literal["opensearch", "elasticsearch"]
FieldType = Literal["rank_features", "sparse_vector"]

# Of an _id in UTF-8, in both engines.
LONGEST_ID = 512

_REFUSED = '\\/*?"<>|,#:'

# Lucene's FeatureField keeps so many significant bits of a weight.
BITS = 9

# Lucene's FeatureField takes no larger weight in a query; Elasticsearch multiplies outside of it.
LARGEST_QUERY_WEIGHT = 64.0


@dataclass(frozen=True, slots=True)
class Form:
    """How vectors stand in an engine's index.

    Attributes
    ----------
    engine: ``"opensearch"`` or ``"elasticsearch"``.
    index: its name.
    field: that holds the vector.
    type: of the field; by default ``rank_features`` in OpenSearch, which its ``neural_sparse``
        query searches exactly, and ``sparse_vector`` in Elasticsearch, for the query of that name.
    """

    engine: Engine
    index: str
    field: str = "vector"
    type: FieldType | None = None

    def __post_init__(self) -> None:
        if self.engine not in get_args(Engine):
            raise ValueError(f"engine: {self.engine!r} is none of {', '.join(get_args(Engine))}")
        if self.type is not None and self.type not in get_args(FieldType):
            raise ValueError(f"type: {self.type!r} is none of {', '.join(get_args(FieldType))}")
        if self.engine == "opensearch" and self.type == "sparse_vector":
            raise ValueError(
                "type: OpenSearch searches its sparse_vector approximately and by numbers of "
                "tokens; rank_features is searched exactly"
            )
        if not _is_index_name(self.index):
            raise ValueError(
                f"index: {self.index!r} is no name for an index: lower case, no white space, none "
                'of \\ / * ? " < > | , # :, not beginning with - _ or +, at most 255 bytes'
            )
        if not self.field or "." in self.field or self.field.split() != [self.field]:
            raise ValueError(f"field: {self.field!r} is empty or holds a dot or white space")

    @property
    def field_type(self) -> FieldType:
        """The type that the field has."""
        default: FieldType = "rank_features" if self.engine == "opensearch" else "sparse_vector"
        return self.type or default

    def create(self) -> dict[str, Any]:
        """The body that makes the index (``PUT /INDEX``)."""
        field: dict[str, Any] = {"type": self.field_type}
        if self.field_type == "sparse_vector":
            # Elasticsearch 9.1 and 8.19 leave out tokens of a query otherwise.
            field["index_options"] = {"prune": False}
        return {"mappings": {"dynamic": False, "properties": {self.field: field}}}

    def document(self, id: str, vector: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The two lines of a document in a bulk file."""
        weights = {field_name(token): weight for token, weight in vector.items()}
        return {"index": {"_index": self.index, "_id": id}}, {self.field: weights}

    def query(self, vector: Mapping[str, float], hits: int = 10) -> dict[str, Any]:
        """The body of a search (``POST /INDEX/_search``) for an encoded topic.

        In OpenSearch weights over 64 are refused: all are made smaller by one factor, and scores
        with them.
        """
        weights = {field_name(token): float(weight) for token, weight in vector.items()}
        query: dict[str, Any]
        if self.engine == "opensearch":
            scale = min(1.0, LARGEST_QUERY_WEIGHT / max(weights.values(), default=1.0))
            tokens = {name: weight * scale for name, weight in weights.items()}
            query = {"neural_sparse": {self.field: {"query_tokens": tokens}}}
        elif self.field_type == "sparse_vector":
            told = {"field": self.field, "query_vector": weights, "prune": False}
            query = {"sparse_vector": told}
        else:
            query = {"bool": {"should": [self._clause(*item) for item in weights.items()]}}
        return {"size": hits, "_source": False, "query": query}

    def _clause(self, name: str, weight: float) -> dict[str, Any]:
        return {"rank_feature": {"field": f"{self.field}.{name}", "linear": {}, "boost": weight}}


def is_exact(weight: int) -> bool:
    """Whether the engines keep the weight as it is: larger ones lose up to 0.4 %."""
    return weight < 1 << BITS or weight >> ((weight & -weight).bit_length() - 1) < 1 << BITS


def _is_index_name(name: str) -> bool:
    return (
        0 < len(name.encode("utf-8", "surrogatepass")) <= 255
        and name == name.lower()
        and not any(sign in name for sign in _REFUSED)
        and name.split() == [name]
        and name[0] not in "-_+"
        and name not in (".", "..")
    )
