from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hyper_ir.data.dense_vectors import read_dense_vectors
from hyper_ir.problems import Problems


def written(path: Path, *vectors: object) -> Path:
    records = [{"id": f"d{number}", "vector": each} for number, each in enumerate(vectors)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_files_of_a_folder_are_read_in_order(tmp_path: Path) -> None:
    written(tmp_path / "b.jsonl", [1, 2.5])
    (tmp_path / "a.jsonl").write_text('{"id": 7, "vector": [0.1, -3e-2]}\n')
    (tmp_path / "hyper_ir.manifest").write_text("{}")
    read = list(read_dense_vectors(tmp_path, 2))
    assert [(id, where) for id, _, where in read] == [
        ("7", f"{tmp_path}/a.jsonl:1"),
        ("d0", f"{tmp_path}/b.jsonl:1"),
    ]
    assert all(vector.dtype == np.float32 for _, vector, _ in read)
    assert read[0][1].tolist() == np.array([0.1, -3e-2], np.float32).tolist()


@pytest.mark.parametrize(
    ("vector", "complaint"),
    [
        (None, "vector is missing"),
        ({"a": 1}, "of type dict; a list of 2 numbers"),
        ([1.0], "has 1 numbers where 2"),
        ([1.0, 2.0, 3.0], "has 3 numbers where 2"),
        ([1.0, "2"], "something that is no number"),
        ([1.0, None], "something that is no number"),
        ([1.0, True], "something that is no number"),
        ([1.0, [2.0]], "something that is no number"),
        ([1.0, 1e39], "too large"),
        ([1.0, 10**400], "too large"),
        ([1.0, float("nan")], "NaN"),
        ([1.0, float("inf")], "NaN, infinity"),
    ],
)
def test_other_vectors_are_named_or_skipped(tmp_path: Path, vector: object, complaint: str) -> None:
    path = written(tmp_path / "v.jsonl", [1, 2], vector, [3, 4])
    with pytest.raises(ValueError, match=complaint) as caught:
        list(read_dense_vectors(path, 2))
    assert str(caught.value).startswith(f"{path}:2: ")
    problems = Problems("skip")
    assert [id for id, _, _ in read_dense_vectors(path, 2, problems)] == ["d0", "d2"]
    assert problems.count == 1


def test_an_id_that_was_there_and_a_file_without_vectors(tmp_path: Path) -> None:
    path = tmp_path / "v.jsonl"
    path.write_text('{"id": "a", "vector": [1]}\n' * 2)
    with pytest.raises(ValueError, match=r"v\.jsonl:2: id a stands at .*v\.jsonl:1 already"):
        list(read_dense_vectors(path, 1))
    path.write_text("\n")
    with pytest.raises(ValueError, match="no vector could be read"):
        list(read_dense_vectors(path, 1))
    with pytest.raises(ValueError, match="does not exist"):
        read_dense_vectors(tmp_path / "none", 1)
