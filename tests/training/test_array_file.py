from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.training.array_file import ArrayFile, mapped


@given(
    st.lists(st.lists(st.integers(0, 65535), max_size=5), max_size=5),
    st.sampled_from(["uint16", "int64", "float32"]),
)
def test_parts_come_back_as_one_array(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]], dtype: str
) -> None:
    path = tmp_path_factory.mktemp("arrays") / "a.npy"
    with ArrayFile(path, dtype) as array:
        for part in parts:
            array.append(part)
    expected = np.array([number for part in parts for number in part], dtype=dtype)
    assert array.length == len(expected)
    for read in (mapped(path), np.load(path)):
        assert read.dtype == expected.dtype
        assert np.array_equal(read, expected)


def test_rows_come_back_as_a_matrix(tmp_path: Path) -> None:
    with ArrayFile(tmp_path / "a.npy", np.float32, width=3) as array:
        array.append(np.arange(6).reshape(2, 3))
        array.append(np.zeros((0, 3)))
        array.append(np.ones((12345, 3)))
    read = mapped(tmp_path / "a.npy")
    assert read.shape == (12347, 3)
    assert read[:2].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not read.flags.writeable


def test_rows_of_another_shape_are_refused(tmp_path: Path) -> None:
    with ArrayFile(tmp_path / "a.npy", np.float32, width=3) as array:
        for wrong in (np.zeros((2, 4)), np.zeros(3), np.zeros((1, 1, 3))):
            with pytest.raises(ValueError, match=r"shape \(3,\)"):
                array.append(wrong)


def test_missing_cut_and_foreign_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.npy"):
        mapped(tmp_path / "none.npy")
    (tmp_path / "b.npy").write_bytes(b"no array")
    with pytest.raises(ValueError, match=r"b\.npy"):
        mapped(tmp_path / "b.npy")
    with ArrayFile(tmp_path / "c.npy", np.int64) as array:
        array.append(np.arange(1000))
    data = (tmp_path / "c.npy").read_bytes()
    (tmp_path / "c.npy").write_bytes(data[:-8])
    with pytest.raises(ValueError, match=r"c\.npy"):
        mapped(tmp_path / "c.npy")
