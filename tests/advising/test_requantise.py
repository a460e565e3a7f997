from __future__ import annotations

import gzip
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.advising.grid import IndexSetting
from hyper_ir.advising.requantise import requantised, write_requantised
from hyper_ir.data.vectors import EMPTY_DOCUMENT, read_vectors
from hyper_ir.encode.impacts import Quantiser, impacts
from hyper_ir.manifest import Manifest, read_manifest, write_manifest
from hyper_ir.problems import BadRecordError, Problems
from tests.lucene.conftest import write_vectors

vectors = st.dictionaries(
    st.text("abcé", min_size=1, max_size=3), st.integers(1, 500), min_size=1, max_size=9
)


@given(vectors, st.sampled_from([1, 2, 4, 10]), st.none() | st.integers(1, 10), st.randoms())
def test_rounding_and_cutting(
    vector: dict[str, int], divisor: int, top_k: int | None, random: object
) -> None:
    items = list(vector.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    made = requantised(dict(items), 1 / divisor, top_k)
    exact = {token: round(Fraction(impact, divisor)) for token, impact in vector.items()}
    ranked = sorted(vector, key=lambda token: (-exact[token], -vector[token], token))
    expected = [(token, exact[token]) for token in ranked[:top_k] if exact[token]]
    assert list(made.items()) == (expected or [(EMPTY_DOCUMENT, 1)])


def test_halves_go_to_even_and_nothing_changes_at_the_own_factor() -> None:
    assert requantised({"a": 1, "b": 2, "c": 3, "d": 5, "e": 6}, 0.5, None) == {
        "e": 3,
        "c": 2,
        "d": 2,
        "b": 1,
    }
    assert requantised({"a": 7, "b": 9}, 1, None) == {"b": 9, "a": 7}


def test_rounding_twice_is_at_most_1_from_rounding_once() -> None:
    weights = torch.rand(1, 5_000, generator=torch.Generator().manual_seed(1)) * 3
    for factor in (50.0, 25.0, 10.0):
        ids, fine = impacts(weights, Quantiser(100))[0]
        twice = requantised(
            dict(zip(map(str, ids), fine.tolist(), strict=True)), factor / 100, None
        )
        once = dict(
            zip(*(each.tolist() for each in impacts(weights, Quantiser(factor))[0]), strict=True)
        )
        differences = [abs(twice.get(str(id), 0) - once.get(id, 0)) for id in range(5_000)]
        assert max(differences) == 1
        assert np.mean(differences) < 0.5 * factor / 100 + 0.01


def test_a_folder_with_its_manifest(tmp_path: Path) -> None:
    source = tmp_path / "vectors"
    write_vectors(source / "v.jsonl", {"a": {"x": 100, "y": 30, "z": 3}, "b": {"z": 4}})
    origin = Manifest("vectors", {"name": "m"}, "abc", {"factor": 100, "top_k": None})
    write_manifest(source, origin)
    folder = tmp_path / "scratch" / "f10-k2"
    for _ in range(2):  # what is there is replaced
        manifest = write_requantised(source, folder, IndexSetting(10, 2), 100)
    assert manifest == read_manifest(folder)
    assert (manifest.model, manifest.vocabulary) == ({"name": "m"}, "abc")
    assert manifest.quantiser == {"factor": 10, "top_k": 2}
    path = folder / "embeddings.jsonl.gz"
    assert manifest.counts == {"documents": 2, "terms": 3, "bytes": path.stat().st_size}
    found = {id: vector for id, vector, _ in read_vectors(folder)}
    assert found == {"a": {"x": 10, "y": 3}, "b": {EMPTY_DOCUMENT: 1}}
    with gzip.open(path) as handle:
        assert json.loads(handle.readline())["contents"] == ""


def test_bad_vectors_stop_or_are_left_out(tmp_path: Path) -> None:
    source = write_vectors(tmp_path / "v.jsonl", {"a": {"x": 100}})
    with open(source, "a") as handle:
        handle.write('{"id": "b", "vector": {"x": 0.5}}\n{"id": "c", "vector": [1.0]}\n')
    setting = IndexSetting(10, None)
    with pytest.raises(BadRecordError, match=r"v\.jsonl:2: weight 0\.5"):
        write_requantised(source, tmp_path / "made", setting, 100)
    assert not (tmp_path / "made").exists()
    problems = Problems("skip")
    manifest = write_requantised(source, tmp_path / "made", setting, 100, problems)
    assert (manifest.counts["documents"], problems.count) == (1, 2)
