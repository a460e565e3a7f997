from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.agreement import Agreement, agreement, read_impacts


def test_every_pair_that_either_has_is_compared() -> None:
    first = {"a": {"x": 5, "y": 2, "z": 1}, "b": {}}
    second = {"a": {"x": 5, "y": 9}, "b": {"w": 3}}
    assert agreement(first, second) == Agreement(pairs=4, identical=1, greatest=7)
    assert agreement(first, second).share == 0.25
    assert agreement(first, first).share == 1.0
    assert agreement({"a": {}}, {"a": {}}).share == 1.0


def test_vectors_of_other_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="different texts"):
        agreement({"a": {}}, {"b": {}})


def test_impacts_of_nothing_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "embeddings.jsonl").write_text(
        '{"id": 1, "vector": {"x": 5, "y": 0}}\n{"id": "2", "vector": {"[empty-document]": 1}}\n'
    )
    assert read_impacts(tmp_path) == {"1": {"x": 5}, "2": {}}
