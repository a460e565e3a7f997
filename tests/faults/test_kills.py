"""SIGKILL: what is there is absent or complete, and a rerun ends as an unbroken run does.

``make test-faults`` kills every job more often, and prints a table.
"""

from __future__ import annotations

import pytest

from tests.faults.__main__ import as_json, figures
from tests.faults.conftest import Harnesses
from tests.faults.kills import Kill


@pytest.mark.parametrize("name", ["encode", "mine", "train", "search", "evaluate"])
def test_a_kill_costs_no_more_than_a_rerun(harness: Harnesses, name: str) -> None:
    kills = [harness(name).kill(by_time=False) for _ in range(2)]
    assert all(kill.struck for kill in kills)
    assert not any(kill.wrong for kill in kills), kills


@pytest.mark.jvm
@pytest.mark.parametrize("by_time", [False, True])
def test_a_killed_indexing_leaves_no_index_and_no_java(harness: Harnesses, by_time: bool) -> None:
    kill = harness("index --impact").kill(by_time)
    assert not kill.wrong, kill


def test_kills_that_come_too_late_do_not_count() -> None:
    kills = [Kill("encode", "a", True), Kill("encode", "b", False), Kill("encode", "c", True, "x")]
    assert figures(kills) == {"kills": 2, "survived": 1, "too late": 1}
    assert as_json({"encode": kills}, 7)["all"] == figures(kills)
