from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from hyper_ir.training.mixing import TaskMixture


def mixture(sizes: list[int], **settings: object) -> TaskMixture:
    """Tasks a, b, …; example i of task number t is 1000 t + i."""
    members = {chr(97 + t): 1000 * t + np.arange(size) for t, size in enumerate(sizes)}
    return TaskMixture(members, **settings)  # type: ignore[arg-type]


sizes_of_tasks = st.lists(st.integers(1, 40), min_size=1, max_size=5)


@budget(max_examples=60, deadline=None)
@given(
    sizes_of_tasks,
    st.floats(0, 1),
    st.none() | st.integers(1, 30),
    st.integers(1, 60),
    st.integers(0, 99),
)
def test_each_example_comes_as_often_as_the_temperature_says(
    sizes: list[int], temperature: float, cap: int | None, draws: int, seed: int
) -> None:
    epochs = 12
    mixed = mixture(sizes, temperature=temperature, caps=cap, seed=seed)
    counts = [min(size, cap or size) for size in sizes]
    powers = [count**temperature for count in counts]
    seen = Counter(int(x) for epoch in range(epochs) for x in mixed.epoch(draws, epoch))
    assert sum(seen.values()) == draws * epochs
    for task, size in enumerate(sizes):
        expected = epochs * draws * powers[task] / sum(powers)
        of_task = [seen[1000 * task + i] for i in range(size)]
        assert abs(sum(of_task) - expected) < epochs  # less than one draw an epoch off
        assert max(of_task) - min(of_task) <= 1  # all before any again


def test_rounding_is_right_in_expectation() -> None:
    mixed = mixture([7, 2, 1], temperature=0.5, seed=3)
    powers = np.sqrt([7, 2, 1])
    total = sum(mixed.draws_by_task(10, epoch) for epoch in range(4000))
    np.testing.assert_allclose(total / 4000, 10 * powers / powers.sum(), atol=0.03)


@budget(max_examples=30, deadline=None)
@given(sizes_of_tasks, st.integers(0, 99), st.integers(0, 3))
def test_at_temperature_1_an_epoch_holds_every_example_once(
    sizes: list[int], seed: int, epoch: int
) -> None:
    mixed = mixture(sizes, seed=seed)
    everything = sorted(1000 * t + i for t, size in enumerate(sizes) for i in range(size))
    assert sorted(mixed.epoch(mixed.size, epoch).tolist()) == everything


def test_at_temperature_0_every_task_comes_equally_often() -> None:
    drawn = mixture([100, 10, 1], temperature=0).epoch(30, 0)
    assert Counter((drawn // 1000).tolist()) == {0: 10, 1: 10, 2: 10}


def test_an_epoch_does_not_depend_on_which_were_asked_for_before() -> None:
    forward, backward = mixture([9, 4, 2], temperature=0.5), mixture([9, 4, 2], temperature=0.5)
    ahead = [forward.epoch(7, epoch).tolist() for epoch in range(6)]
    back = [backward.epoch(7, epoch).tolist() for epoch in reversed(range(6))]
    assert ahead == back[::-1]
    backward.epoch(5, 3)
    assert backward.epoch(7, 4).tolist() == ahead[4]


def test_orders_differ_between_epochs_passes_tasks_and_seeds() -> None:
    mixed = mixture([50, 50], seed=1)
    first, second = mixed.epoch(100, 0), mixed.epoch(100, 1)
    other = mixture([50, 50], seed=2).epoch(100, 0)
    assert first.tolist() != second.tolist()
    assert first.tolist() != other.tolist()
    orders = [[x % 1000 for x in e if x // 1000 == t] for e in (first, second) for t in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4


def test_tasks_are_mixed_throughout_the_epoch() -> None:
    tasks = mixture([200, 200], seed=5).epoch(400, 0) // 1000
    halves = tasks.reshape(8, 50).mean(1)
    assert halves.min() > 0.25
    assert halves.max() < 0.75


def test_the_order_of_a_seed_never_changes() -> None:
    assert mixture([5, 3], seed=42).epoch(8, 0).tolist() == [1, 2, 1002, 0, 3, 1001, 4, 1000]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 1.5}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"caps": {"z": 3}}, "no task z"),
        ({"caps": {"a": 0}}, "at least 1"),
        ({"caps": 0}, "at least 1"),
        ({"seed": -1}, "seed"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mixture([3, 2], **settings)


def test_a_task_without_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="without examples: b"):
        mixture([3, 0])
    with pytest.raises(ValueError, match="no task"):
        mixture([])
