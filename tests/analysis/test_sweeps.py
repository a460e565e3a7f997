from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest

from hyper_ir.analysis.sweep_section import LEAST_SPAN, limits, sweep_section
from hyper_ir.analysis.sweeps import Panel, SweepPoint, read_sweeps, swept

HEADER = "system\tsetting\tvalue\tseed\tscore\tcollection\tmeasure"


def test_jsonl_and_tsv_say_the_same(tmp_path: Path) -> None:
    tsv = tmp_path / "s.tsv"
    tsv.write_text(f"{HEADER}\nHypeR\tprompts.prompts\t20\t42\t0.5\tKILT\tKILTRprec\n", "utf-8")
    record = {"system": "HypeR", "setting": "prompts.prompts", "value": 20, "seed": 42}
    jsonl = tmp_path / "s.jsonl"
    more = {"score": 0.5, "collection": "KILT", "measure": "KILTRprec"}
    jsonl.write_text(json.dumps(record | more) + "\n\n", encoding="utf-8")
    point = SweepPoint("HypeR", "prompts.prompts", 20, 42, 0.5, "KILT", "KILTRprec")
    assert read_sweeps(tsv) == read_sweeps(jsonl) == [point]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("HypeR\tN\t20\t42", "score: missing"),
        ("\tN\t20\t42\t0.5", "system: missing"),
        ("HypeR\tN\tmany\t42\t0.5", 'value: "many" is not a number'),
        ("HypeR\tN\tnan\t42\t0.5", "value: nan is not a number that can be drawn"),
        ("HypeR\tN\t20\t4.5\t0.5", "seed: '4.5' is not a whole number"),
        ("HypeR\tN\t5\t42\t0.5", "stands at .*s.tsv:2 already"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "s.tsv"
    path.write_text(f"{HEADER}\nHypeR\tN\t5\t42\t0.4\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"s\.tsv:3: .*" + said):
        read_sweeps(path)


def test_empty_files_are_refused(tmp_path: Path) -> None:
    for text in ("", HEADER + "\n"):
        (tmp_path / "s.tsv").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match="no score in it"):
            read_sweeps(tmp_path / "s.tsv")


def points() -> list[SweepPoint]:
    return [
        SweepPoint(system, setting, value, seed, 0.4 + value / 100 + seed / 1000, "KILT", "R")
        for setting in ("prompts.prompts", "other")
        for system in ("HypeR", "MT")
        for value in (20, 5, 10)
        for seed in (1, 2, 4)
    ]


def test_seeds_are_averaged_and_values_rise() -> None:
    found = swept(points())
    assert list(found) == [Panel("prompts.prompts", "KILT", "R"), Panel("other", "KILT", "R")]
    line = found[Panel("other", "KILT", "R")]["MT"]
    assert [each.value for each in line] == [5, 10, 20]
    scores = [0.45 + seed / 1000 for seed in (1, 2, 4)]
    assert line[0].mean == pytest.approx(fmean(scores))
    assert line[0].deviation == pytest.approx(stdev(scores))
    assert line[0].seeds == 3
    assert swept(points()[:1])[Panel("prompts.prompts", "KILT", "R")]["HypeR"][0].deviation is None


def test_panels_of_one_measure_have_one_axis_and_small_differences_look_small() -> None:
    n, m = Panel("N", "tasks", "P@1"), Panel("m", "tasks", "P@1")
    other = Panel("N", "others", "P@1")
    points = [
        SweepPoint("HypeR", panel.setting, value, 42, score, panel.collection, panel.measure)
        for panel, scores in ((n, (0.5, 0.501)), (m, (0.502, 0.499)), (other, (0.1, 0.9)))
        for value, score in enumerate(scores)
    ]
    sweeps = swept(points)
    assert limits(sweeps, n) == limits(sweeps, m)
    low, high = limits(sweeps, n)
    assert high - low == pytest.approx(LEAST_SPAN)
    assert low < 0.499 < 0.502 < high
    assert limits(sweeps, other) == pytest.approx((0.1 - 0.096, 0.9 + 0.096))


def test_the_section_has_a_table_a_panel_and_says_its_spread() -> None:
    section = sweep_section(swept(points()))
    assert [len(table.rows) for table in section.tables] == [6, 6]
    assert "standard deviation" in section.caption
    assert "best 0.602 at 20" in section.pictures[0].alt
    numbers: dict[str, Any] = section.numbers
    assert numbers["panels"][0]["systems"]["HypeR"][0]["value"] == 5
    one = sweep_section(swept(points()[:1]))
    assert "the spread is not known" in one.caption
    assert not any(cell.best for row in one.tables[0].rows for cell in row)
    assert section == sweep_section(swept(points()))


@pytest.mark.parametrize(
    "value", ["1" + "0" * 400, "[" * 900 + "]" * 900, '"' + "x" * 200_000 + '"']
)
def test_values_of_any_size_and_depth_are_named(tmp_path: Path, value: str) -> None:
    path = tmp_path / "s.jsonl"
    rest = '"system": "HypeR", "setting": "N", "seed": 1, "score": 1'
    path.write_text(f'{{{rest}, "value": {value}}}\n')
    with pytest.raises(ValueError, match=r"s\.jsonl:1: ") as caught:
        read_sweeps(path)
    assert len(str(caught.value)) < 1000


def test_a_cell_of_any_length_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.tsv"
    header = "system\tsetting\tvalue\tseed\tscore"
    path.write_text(f"{header}\n{'x' * 200_000}\tN\t5\t42\t0.4\n")  # over csv's field limit
    assert len(read_sweeps(path)[0].system) == 200_000


def test_a_long_name_does_not_make_a_long_message(tmp_path: Path) -> None:
    point = {"system": "x" * 100_000, "setting": "N", "value": 1, "seed": 1, "score": 1}
    path = tmp_path / "s.jsonl"
    path.write_text(f"{json.dumps(point)}\n" * 2)
    with pytest.raises(ValueError, match=r"s\.jsonl:2: x") as caught:
        read_sweeps(path)
    assert len(str(caught.value)) < 1000
