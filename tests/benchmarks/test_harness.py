from __future__ import annotations

from typing import Any

import pytest

from benchmarks.harness import (
    Contender,
    Spread,
    Turn,
    Worker,
    WorkerError,
    interleaved,
    seconds,
    speed_ratios,
)

HERE = "tests.benchmarks.contenders"


class Noted:
    """Notes in a shared list when it ran, and on what."""

    def __init__(self, name: str, notes: list[Any]) -> None:
        self.name = name
        self.notes = notes

    def run(self, **task: Any) -> dict[str, Any]:
        self.notes.append((self.name, task.get("text")))
        return {"seconds": float(len(self.notes))}


def test_contenders_take_turns_after_their_warm_up() -> None:
    notes: list[Any] = []
    turns = [Turn(Noted(name, notes), {"text": "long"}, {"text": "short"}) for name in "AB"]
    turns.append(Turn(Noted("C", notes), {"text": "long"}))
    lines: list[str] = []
    answers = interleaved(turns, 2, lines.append)
    assert notes[:2] == [("A", "short"), ("B", "short")]
    assert notes[2:] == [(name, "long") for name in "ABCABC"]
    assert answers == {
        "A": [{"seconds": 3.0}, {"seconds": 6.0}],
        "B": [{"seconds": 4.0}, {"seconds": 7.0}],
        "C": [{"seconds": 5.0}, {"seconds": 8.0}],
    }
    assert lines[3] == "round 2 of 2: A 6.000 s"


def test_one_worker_can_take_several_turns_by_different_names() -> None:
    worker = Noted("A", [])
    answers = interleaved([Turn(worker, label="fast"), Turn(worker, label="slow")], 1)
    assert list(answers) == ["fast", "slow"]
    with pytest.raises(ValueError, match="two turns have one name: A, A"):
        interleaved([Turn(worker), Turn(worker)], 1)


def test_no_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="rounds: 0 is not a positive number"):
        interleaved([Turn(Noted("A", []))], 0)


def test_ratios_are_taken_round_by_round() -> None:
    # The machine slows down by half in the second round: the ratio does not see it.
    mine = [{"seconds": 1.0}, {"seconds": 2.0}, {"seconds": 1.0}]
    theirs = [{"seconds": 3.0}, {"seconds": 6.0}, {"seconds": 4.0}]
    assert speed_ratios(mine, theirs) == Spread(3.0, 3.0, 4.0)
    assert seconds(mine) == Spread(1.0, 1.0, 2.0)
    assert seconds(theirs).shown(".1f") == "4.0 (3.0–6.0)"
    with pytest.raises(ValueError, match="shorter"):
        speed_ratios(mine, theirs[:2])


def test_a_worker_keeps_what_it_loaded_and_has_its_threads() -> None:
    with Worker(Contender("A", f"{HERE}:counting", {"start": 10}), threads=1) as worker:
        first, second = worker.run(text="é"), worker.run()
    assert first == {"seconds": 11.0, "task": {"text": "é"}, "threads": 1}
    assert second["seconds"] == 12.0


def test_what_a_library_prints_is_no_answer() -> None:
    with Worker(Contender("A", f"{HERE}:noisy"), threads=1) as worker:
        assert worker.run() == {"seconds": 1.0}
        assert worker.run() == {"seconds": 1.0}


@pytest.mark.parametrize(
    ("factory", "reason"),
    [("unloadable", "the model has no head"), ("failing", "text 7 broke it")],
)
def test_a_worker_that_fails_is_told_with_its_last_words(factory: str, reason: str) -> None:
    with (
        Worker(Contender("poor thing", f"{HERE}:{factory}"), threads=1) as worker,
        pytest.raises(WorkerError, match=rf"(?s)poor thing: its process ended .*{reason}"),
    ):
        worker.run()


def test_a_worker_that_hangs_is_ended() -> None:
    with (
        Worker(Contender("A", f"{HERE}:stuck"), threads=1, timeout=0.2) as worker,
        pytest.raises(WorkerError, match=r"A: its process gave no answer in 0\.2 s"),
    ):
        worker.run()


def test_a_worker_ends_with_its_block() -> None:
    with Worker(Contender("A", f"{HERE}:stuck"), threads=1) as worker:
        process = worker._process
        assert process.poll() is None
    assert process.poll() is not None
