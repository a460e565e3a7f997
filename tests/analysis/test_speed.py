from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hyper_ir.analysis.speed import SpeedPoint, frontier, read_speed
from hyper_ir.analysis.speed_section import speed_section

GOOD = {
    "system": "HypeR",
    "query_terms": 8,
    "document_terms": None,
    "queries_per_second": 100,
    "slowest": 90.0,
    "fastest": 110,
    "score": 0.5,
}


def written(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_points_are_read_with_what_may_be_left_out(tmp_path: Path) -> None:
    short = {"system": "BM25", "queries_per_second": 800.5, "score": 0}
    points = read_speed(written(tmp_path / "s.jsonl", GOOD, short))
    assert points[0] == SpeedPoint("HypeR", 8, None, 100, 90, 110, 0.5)
    assert points[1] == SpeedPoint("BM25", None, None, 800.5, 800.5, 800.5, 0)
    assert [point.label for point in points] == ["q8", ""]
    assert SpeedPoint("a", 8, 64, 1, 1, 1, 0, factor=16.0).label == "q8 d64 x16"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("system", "", "system: '' is no name"),
        ("system", 3, "system: 3 is no name"),
        ("queries_per_second", 0, "queries_per_second: 0 is not a number above 0"),
        ("queries_per_second", "many", "not a number above 0"),
        ("queries_per_second", True, "not a number above 0"),
        ("slowest", float("nan"), "slowest: nan"),
        ("score", None, "score: None is not a number"),
        ("score", float("inf"), "score: inf"),
        ("query_terms", 0, "query_terms: 0 is neither null nor"),
        ("document_terms", 8.5, "document_terms: 8.5"),
        ("factor", -1, "factor: -1"),
    ],
)
def test_bad_points_are_named_with_their_line(
    tmp_path: Path, name: str, value: object, said: str
) -> None:
    path = written(tmp_path / "s.jsonl", GOOD, {**GOOD, name: value})
    with pytest.raises(ValueError, match=r"s\.jsonl:2: .*" + said.replace("(", r"\(")):
        read_speed(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        read_speed(written(tmp_path / "s.jsonl"))


def point(rate: float, score: float, system: str = "a", **more: Any) -> SpeedPoint:
    return SpeedPoint(system, None, None, rate, rate, rate, score, **more)


def test_the_frontier_is_what_nothing_beats_in_both() -> None:
    some = [point(rate, score) for rate in (1, 2, 3, 4) for score in (0.1, 0.5, 0.3)]
    some += [point(5, 0.2), point(5, 0.2)]
    best = frontier(some)
    naive = {
        (each.queries_per_second, each.score)
        for each in some
        if not any(
            other.queries_per_second >= each.queries_per_second
            and other.score >= each.score
            and (other.queries_per_second, other.score) != (each.queries_per_second, each.score)
            for other in some
        )
    }
    assert {(each.queries_per_second, each.score) for each in best} == naive
    assert best == sorted(best, key=lambda each: each.queries_per_second)


def test_the_section_draws_and_lists_every_point() -> None:
    some = [point(10 * n, 0.6 - n / 50, "<b>HypeR</b>") for n in range(1, 6)] + [point(900, 0.4)]
    section = speed_section(some)
    assert len(section.tables[0].rows) == 6
    assert "from text to hits" in section.caption
    assert "up to 900 queries per second" in section.pictures[0].alt
    assert section == speed_section(some)
    json.dumps(section.numbers, allow_nan=False)


def test_what_the_time_is_of_is_said() -> None:
    alone = point(5, 0.5, "b", encoded=False)
    assert "searching alone:" in speed_section([alone]).caption
    assert "from text to hits (b: searching alone)" in speed_section([point(1, 0.1), alone]).caption


@pytest.mark.parametrize(
    "value", ["1" + "0" * 400, "[" * 900 + "]" * 900, '"' + "x" * 200_000 + '"']
)
@pytest.mark.parametrize("name", ["queries_per_second", "score"])
def test_values_of_any_size_and_depth_are_named(tmp_path: Path, name: str, value: str) -> None:
    path = tmp_path / "a.jsonl"
    record = {"system": "HypeR", "queries_per_second": "1", "score": "1"} | {name: value}
    fields = ", ".join(f'"{key}": {each}' for key, each in record.items() if key != "system")
    path.write_text(f'{{"system": "HypeR", {fields}}}\n')
    with pytest.raises(ValueError, match=r"a\.jsonl:1: ") as caught:
        read_speed(path)
    assert len(str(caught.value)) < 1000
