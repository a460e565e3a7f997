from __future__ import annotations

import pytest

from hyper_ir.advising.grid import IndexSetting, Setting, make_grid


def test_every_combination_once_and_the_unpruned_first() -> None:
    grid = make_grid(100, [50, 100, 50], [64, 0], [0, 8])
    assert [setting.name for setting in grid.settings] == [
        "f100-kall-qall",
        "f50-k64-qall",
        "f50-k64-q8",
        "f50-kall-qall",
        "f50-kall-q8",
        "f100-k64-qall",
        "f100-k64-q8",
        "f100-kall-q8",
    ]
    assert grid.unpruned == grid.settings[0]
    assert all(type(each.factor) is float for each in grid.indexes)  # 100 and 100.0 are one
    assert grid.indexes[1] == IndexSetting(50, 64)
    assert [each.query_terms for each in grid.of(IndexSetting(50, None))] == [None, 8]


def test_the_unpruned_setting_is_there_unasked() -> None:
    grid = make_grid(51.2, [25], [64], [8])
    assert [each.name for each in grid.settings] == ["f51.2-kall-qall", "f25-k64-q8"]
    assert grid.unpruned == Setting(IndexSetting(51.2, None), None)


def test_factors_by_default_are_the_own_one_and_what_is_below_it() -> None:
    assert [each.factor for each in make_grid(100, None, [0], [0]).indexes] == [100, 50, 25, 10]
    assert [each.factor for each in make_grid(51.2, None, [0], [0]).indexes] == [51.2, 50, 25, 10]
    assert [each.factor for each in make_grid(20, None, [0], [0]).indexes] == [20, 10]


@pytest.mark.parametrize(
    ("factors", "top_ks", "terms", "complaint"),
    [
        ([101], [0], [0], "101 is not above 0 and at most 100.*cannot come back"),
        ([0], [0], [0], "factors: 0 is not above 0"),
        ([float("nan")], [0], [0], "factors: nan"),
        ([], [0], [0], "factors: at least one value"),
        ([50], [-1], [0], "top-k: -1 is negative; 0 keeps all"),
        ([50], [0], [-8], "query terms: -8 is negative"),
        ([50], [0], [], "query terms: at least one value"),
    ],
)
def test_grids_that_make_no_sense(
    factors: list[float], top_ks: list[int], terms: list[int], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        make_grid(100, factors, top_ks, terms)
