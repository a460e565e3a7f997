"""Topics of an impact search on their way to vectors: texts with an encoder, or encoded ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from hyper_ir.manifest import Manifest, read_manifest
from hyper_ir.problems import Problems
from hyper_ir.search.encoded_topics import EncodedTopic, is_tsv, read_encoded_topics
from hyper_ir.search.query_encoders import QueryEncoder

TextTopic = tuple[str, str]


@dataclass(frozen=True)
class Texts:
    """Topics with their texts, and what encodes them.

    Attributes
    ----------
    topics: ``(id, text)``, in the file's order.
    encoder: turns texts into vectors.
    """

    topics: Sequence[TextTopic]
    encoder: QueryEncoder

    @property
    def origin(self) -> Manifest | None:
        """What the vectors are made of."""
        return self.encoder.manifest

    def encoded(self) -> tuple[list[EncodedTopic], float]:
        """All topics' vectors, and the seconds that it took."""
        start = perf_counter()
        vectors = self.encoder.encode([text for _, text in self.topics])
        seconds = perf_counter() - start
        return [(id, each) for (id, _), each in zip(self.topics, vectors, strict=True)], seconds

    def encode(self, topic: TextTopic) -> EncodedTopic:
        """One topic's vector."""
        id, text = topic
        return id, self.encoder.encode([text])[0]


@dataclass(frozen=True)
class Vectors:
    """Topics that are encoded already.

    Attributes
    ----------
    topics: ``(id, vector)``, in the file's order.
    origin: the file's manifest.
    by_repetition: weights were told by repetition, so that texts can be mistaken for vectors.
    """

    topics: Sequence[EncodedTopic]
    origin: Manifest | None
    by_repetition: bool = False

    def encoded(self) -> tuple[list[EncodedTopic], float]:
        """All topics; it took no time."""
        return list(self.topics), 0.0

    def encode(self, topic: EncodedTopic) -> EncodedTopic:
        """The topic as it is."""
        return topic


def read_encoded(path: str, problems: Problems | None = None) -> Vectors:
    """A file of encoded topics; raises ValueError where its manifest says that it holds texts."""
    topics, origin = read_encoded_topics(path, problems), read_manifest(path)
    if origin is not None and not origin.model:
        raise ValueError(
            f"topics: {path} holds texts, says its manifest; --encoder MODEL encodes them"
        )
    return Vectors(topics, origin, is_tsv(path))
