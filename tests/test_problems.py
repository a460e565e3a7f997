from __future__ import annotations

import pytest

from hyper_ir.problems import LONGEST, BadRecordError, Problems


def test_the_first_problem_stops() -> None:
    with pytest.raises(BadRecordError, match=r"^f:3: no id$"):
        Problems().found("f:3", "no id")
    with pytest.raises(ValueError, match="neither 'stop' nor 'skip'"):
        Problems("halt")  # type: ignore[arg-type]


def test_problems_are_counted_and_the_first_of_them_listed() -> None:
    problems = Problems("skip", keep=2)
    assert problems.summary() == ""
    for line in range(4):
        problems.found(f"f:{line}", "no id")
    assert problems.summary().splitlines() == [
        "skipped 4 bad records:",
        "  f:0: no id",
        "  f:1: no id",
        "  and 2 more",
    ]


def test_a_record_of_megabytes_does_not_make_a_message_of_megabytes() -> None:
    problems = Problems("skip")
    problems.found("f:1", "x" * LONGEST)
    problems.found("f:2", "x" * 10**7)
    assert problems.examples == ["f:1: " + "x" * LONGEST, "f:2: " + "x" * (LONGEST - 1) + "…"]
