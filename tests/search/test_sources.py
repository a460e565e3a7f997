from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.search.sources import Texts, Vectors, read_encoded


class Lengths:
    """One token, as heavy as the text is long."""

    manifest: Manifest | None = Manifest("topics", vocabulary="v")

    def encode(self, texts: Sequence[str]) -> list[dict[str, int]]:
        return [{"x": len(text)} for text in texts]


def test_texts_are_encoded_together_or_one_by_one() -> None:
    source = Texts([("b", "four"), ("a", "ab")], Lengths())
    queries, seconds = source.encoded()
    assert queries == [("b", {"x": 4}), ("a", {"x": 2})]
    assert seconds > 0
    assert [source.encode(topic) for topic in source.topics] == queries
    assert source.origin == Lengths.manifest


def test_vectors_are_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("q\tx x y\n")
    write_manifest(path, Manifest("topics", model={"name": "m"}))
    source = read_encoded(str(path))
    assert isinstance(source, Vectors)
    assert source.encoded() == ([("q", {"x": 2, "y": 1})], 0.0)
    assert source.encode(source.topics[0]) == source.topics[0]
    assert source.by_repetition
    assert source.origin is not None
    write_manifest(path, Manifest("topics"))
    with pytest.raises(ValueError, match="holds texts, says its manifest"):
        read_encoded(str(path))
