from __future__ import annotations

import json
from itertools import chain, islice
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from hyper_ir.training.sampler import MixedTaskSampler

Settings = dict[str, Any]


@st.composite
def settings_of_samplers(draw: st.DrawFn) -> Settings:
    """Batches of four's multiples, so that 1, 2 and 4 ranks can share them."""
    tasks = draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=40))
    settings: Settings = {
        "tasks": tasks,
        "batch_size": 4 * draw(st.integers(1, 4)),
        "temperature": draw(st.sampled_from([0.0, 0.3, 1.0])),
        "caps": draw(st.none() | st.integers(1, 10)),
        "seed": draw(st.integers(0, 99)),
    }
    if draw(st.booleans()):
        count = len(tasks)
        settings["lengths"] = draw(st.lists(st.integers(1, 9), min_size=count, max_size=count))
        settings["token_budget"] = draw(st.integers(36, 200))
        settings["multiple"] = 4
    return settings


def stream(sampler: MixedTaskSampler, batches: int) -> list[list[int]]:
    """So many batches, epoch after epoch."""
    result: list[list[int]] = []
    while len(result) < batches:
        result += islice(iter(sampler), batches - len(result))
    return result


@budget(max_examples=30, deadline=None)
@given(settings_of_samplers(), st.integers(0, 25))
def test_a_run_can_be_continued_at_any_batch(settings: Settings, stop: int) -> None:
    whole = stream(MixedTaskSampler(**settings), 30)
    first = MixedTaskSampler(**settings)
    before = stream(first, stop)
    state = json.loads(json.dumps(first.state_dict()))
    assert len(json.dumps(state)) < 100
    second = MixedTaskSampler(**settings)
    second.load_state_dict(state)
    assert before + stream(second, 30 - stop) == whole
    # A loader that asks ahead: the state is that of what was trained on.
    assert second.state_dict(batches=stop) == state


@budget(max_examples=20, deadline=None)
@given(settings_of_samplers())
def test_the_global_batch_is_the_same_for_1_2_and_4_ranks(settings: Settings) -> None:
    whole = stream(MixedTaskSampler(**settings), 12)
    for ranks in (2, 4):
        shares = [
            stream(MixedTaskSampler(**settings, rank=rank, ranks=ranks), 12)
            for rank in range(ranks)
        ]
        for number, batch in enumerate(whole):
            parts = [share[number] for share in shares]
            assert list(chain(*parts)) == batch
            assert len({len(part) for part in parts}) == 1


@budget(max_examples=30, deadline=None)
@given(settings_of_samplers())
def test_batches_keep_to_their_sizes_and_budgets(settings: Settings) -> None:
    sampler = MixedTaskSampler(**settings)
    batches = list(sampler)
    assert sampler.epoch == 1
    drawn = list(chain(*batches))
    assert drawn == sampler.mixture.epoch(sampler.draws, 0).tolist()
    assert 0 <= len(drawn) - sampler.mixture.size < sampler.group
    if "token_budget" not in settings:
        assert {len(batch) for batch in batches} == {settings["batch_size"]}
        return
    lengths = settings["lengths"]
    for number, batch in enumerate(batches):
        assert len(batch) % 4 == 0
        assert len(batch) <= settings["batch_size"]
        assert len(batch) * max(lengths[i] for i in batch) <= settings["token_budget"]
        if number + 1 < len(batches):  # not one group more would have fitted
            more = [*batch, *batches[number + 1][:4]]
            full = len(more) > settings["batch_size"]
            assert full or len(more) * max(lengths[i] for i in more) > settings["token_budget"]


def test_a_token_budget_counts_padding_to_the_longest_so_far() -> None:
    sampler = MixedTaskSampler(
        ["a"] * 6, batch_size=6, token_budget=12, lengths=[1, 1, 1, 6, 1, 1], seed=0
    )
    for epoch in range(20):
        drawn = sampler.mixture.epoch(6, epoch).tolist()
        expected: list[list[int]] = []
        batch: list[int] = []
        for example in drawn:  # two examples beside the long one, else as they come
            if batch and len(batch) + 1 > (2 if 3 in [*batch, example] else 12):
                expected.append(batch)
                batch = []
            batch = [*batch, example]
        expected.append(batch)
        batches = [sampler.global_batch(epoch, i) for i in range(sampler.batches_of(epoch))]
        assert batches == expected


def test_a_state_moves_to_another_number_of_ranks() -> None:
    settings: Settings = {"tasks": ["a"] * 7 + ["b"] * 4, "batch_size": 4, "seed": 3}
    whole = stream(MixedTaskSampler(**settings), 6)
    two = MixedTaskSampler(**settings, rank=1, ranks=2)
    stream(two, 4)
    one = MixedTaskSampler(**settings)
    one.load_state_dict(two.state_dict())
    assert stream(one, 2) == whole[4:]


@pytest.mark.parametrize("workers", [0, 2])
def test_the_number_of_workers_changes_nothing(workers: int) -> None:
    tasks = ["a"] * 9 + ["b"] * 3
    sampler = MixedTaskSampler(tasks, batch_size=4, temperature=0.5)
    loader: DataLoader[Any] = DataLoader(
        TensorDataset(torch.arange(12)), batch_sampler=sampler, num_workers=workers
    )
    loaded = [batch.tolist() for _ in range(2) for (batch,) in loader]
    assert loaded == stream(MixedTaskSampler(tasks, batch_size=4, temperature=0.5), 6)


def test_epochs_can_be_set_without_losing_the_place_in_one() -> None:
    sampler = MixedTaskSampler(["a"] * 12, batch_size=4)
    stream(sampler, 2)
    sampler.set_epoch(0)
    assert sampler.state_dict()["batch"] == 2
    sampler.set_epoch(5)
    assert next(iter(sampler)) == sampler.global_batch(5, 0)
    with pytest.raises(ValueError, match="3 batches"):
        sampler.global_batch(5, 3)


def test_a_state_of_other_examples_or_settings_is_refused() -> None:
    settings: Settings = {"tasks": ["a"] * 8 + ["b"] * 4, "batch_size": 4}
    state = MixedTaskSampler(**settings).state_dict()
    others: list[Settings] = [
        {"seed": 1},
        {"batch_size": 2},
        {"temperature": 0.5},
        {"caps": 3},
        {"tasks": ["a"] * 7 + ["b"] * 5},
        {"tasks": ["b"] * 4 + ["a"] * 8},
        {"token_budget": 99, "lengths": [1] * 12, "multiple": 4},
    ]
    for other in others:
        with pytest.raises(ValueError, match="continued with its own"):
            MixedTaskSampler(**{**settings, **other}).load_state_dict(state)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 3, "ranks": 2}, "cannot be shared"),
        ({"batch_size": 4, "rank": 2, "ranks": 2}, "rank 2"),
        ({"batch_size": 4, "token_budget": 9}, "lengths of 3"),
        ({"batch_size": 4, "token_budget": 9, "lengths": [1, 2]}, "not 2"),
        ({"batch_size": 4, "token_budget": 9, "lengths": [1, 10, 2]}, r"example 1 \(10 tokens\)"),
        (
            {"batch_size": 4, "token_budget": 9, "lengths": [1, 2, 2], "multiple": 3},
            "multiple of 3",
        ),
    ],
)
def test_sizes_that_do_not_fit_are_refused(settings: Settings, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MixedTaskSampler(["a", "a", "b"], **settings)


def test_a_large_mixture_is_planned_quickly() -> None:
    tasks = np.repeat(["a", "b", "c"], [200_000, 50_000, 1000]).tolist()
    sampler = MixedTaskSampler(tasks, batch_size=256, temperature=0.5)
    assert len(next(iter(sampler))) == 256
