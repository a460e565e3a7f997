from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.analysis.advice_file import read_measured


def latency(rate: float) -> dict[str, Any]:
    return {"queries_per_second": rate, "slowest": rate / 2, "fastest": rate * 2, "p50": 1.0}


def cell(top_k: int | None, terms: int | None, rate: float, factor: float = 100) -> dict[str, Any]:
    scores = {"KILTRprec": 0.5, "nDCG@10": 0.7}
    return {
        "top_k": top_k,
        "query_terms": terms,
        "factor": factor,
        "latency": latency(rate),
        "scores": scores,
    }


def advice(folder: Path, **more: Any) -> Path:
    folder.mkdir()
    value = {
        "format": 1,
        "measures": ["KILTRprec", "nDCG@10"],
        "encoding": None,
        "cells": [cell(None, None, 100), cell(64, 8, 300)],
        **more,
    }
    (folder / "advice.json").write_text(json.dumps(value), encoding="utf-8")
    return folder


def test_cells_are_points_by_the_first_measure(tmp_path: Path) -> None:
    folder = advice(tmp_path / "hyper")
    points = read_measured(f"HypeR={folder}")
    assert [each.label for each in points] == ["", "q8 d64"]
    assert [each.queries_per_second for each in points] == [100, 300]
    assert (points[1].slowest, points[1].fastest) == (150, 600)
    assert {(each.system, each.measure, each.score, each.encoded) for each in points} == {
        ("HypeR", "KILTRprec", 0.5, False)
    }
    assert read_measured(str(folder))[0].system == "hyper"
    assert read_measured(str(folder / "advice.json")) == read_measured(str(folder))


def test_encoding_comes_before_searching(tmp_path: Path) -> None:
    """10 ms of search and 30 of encoding are 40: 25 queries a second."""
    folder = advice(tmp_path / "a", encoding=latency(1 / 0.03), cells=[cell(None, None, 100)])
    (point,) = read_measured(str(folder))
    assert point.queries_per_second == pytest.approx(25)
    assert point.slowest == pytest.approx(12.5)
    assert point.encoded


def test_factors_are_shown_where_there_are_several(tmp_path: Path) -> None:
    cells = [cell(None, None, 100), cell(None, None, 110, 16)]
    points = read_measured(str(advice(tmp_path / "a", cells=cells)))
    assert [each.label for each in points] == ["x100", "x16"]


def test_jsonl_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bm25.jsonl"
    path.write_text('{"system": "BM25", "queries_per_second": 9, "score": 0.1}\n', encoding="utf-8")
    assert read_measured(str(path))[0].system == "BM25"
    with pytest.raises(ValueError, match="names its systems itself"):
        read_measured(f"x={path}")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"cells": []}, "no cell"),
        ({"cells": [{}]}, "missing"),
        ({"measures": []}, "not what hyper_ir.advise writes"),
        ({"cells": 3}, "not what hyper_ir.advise writes"),
        ({"cells": [cell(None, None, 1) | {"scores": {}}]}, "KILTRprec"),
        ({"cells": [cell(0, None, 1)]}, "document_terms: 0"),
        ({"encoding": latency(1) | {"slowest": 0}}, "not what|division"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_measured(str(advice(tmp_path / "a", **more)))


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"advice: .*advice\.json does not exist"):
        read_measured(str(tmp_path))
