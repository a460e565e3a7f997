"""Two real processes over gloo against one with the same global batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch.multiprocessing.spawn import spawn

from hyper_ir.training.gathering import gathered, ranks, rows_of_ranks, summed
from tests.training.two_towers import CONFIG, QUERIES, TwoTowers, batch, loss_of

CONFIGS = {
    "mean": CONFIG,
    "sum, own negatives": replace(CONFIG, cpr_reduction="sum", in_batch=False),
    "balance": replace(CONFIG, balance=0.7),
}
SPLITS = {"equal": (0, 3, QUERIES), "uneven": (0, 2, QUERIES)}
STEPS = 50


def trained(first: int, end: int) -> TwoTowers:
    """Fifty steps of plain descent; with ranks, on the mean of their gradients as DDP does."""
    model = TwoTowers()
    for step in range(STEPS):
        descend(model, step, first, end)
    return model


def descend(model: TwoTowers, step: int, first: int, end: int) -> None:
    gradients = gradients_of(model, loss_of(model, step, CONFIG, first, end).total)
    with torch.no_grad():
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.sub_(gradient, alpha=0.2)


def gradients_of(model: TwoTowers, loss: torch.Tensor) -> list[torch.Tensor]:
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    return [summed(gradient) / ranks() for gradient in gradients]


def active_terms(model: TwoTowers) -> torch.Tensor:
    queries, documents, _, _ = batch(1000)
    with torch.no_grad():
        q, d, _ = model(queries, documents)
    return torch.stack([q.count_nonzero(), d.count_nonzero()])


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    results: dict[str, Any] = {}
    for setting, config in CONFIGS.items():
        for split, places in SPLITS.items():
            model = TwoTowers()
            loss = loss_of(model, 30, config, places[rank], places[rank + 1])
            results[f"{setting}/{split}"] = (
                summed(loss.total.detach()) / 2,
                gradients_of(model, loss.total),
                loss.logged(),
            )
    local = torch.full((rank + 1, 2), float(rank))
    results["rows"] = (rows_of_ranks(local), gathered(local), gathered(local[:rank]))
    model = trained(*((0, 3) if rank == 0 else (3, QUERIES)))
    results["trained"] = (list(model.state_dict().values()), active_terms(model))
    if rank == 0:
        torch.save(results, f"{folder}/results.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("ranks")
    spawn(work, args=(str(folder),), nprocs=2)  # type: ignore[no-untyped-call]
    results: dict[str, Any] = torch.load(folder / "results.pt")
    return results


@pytest.mark.parametrize("setting", CONFIGS)
@pytest.mark.parametrize("split", SPLITS)
def test_two_ranks_have_the_loss_and_gradients_of_one(
    two_ranks: dict[str, Any], setting: str, split: str
) -> None:
    model = TwoTowers()
    alone = loss_of(model, 30, CONFIGS[setting])
    loss, gradients, log = two_ranks[f"{setting}/{split}"]
    torch.testing.assert_close(loss, alone.total.detach(), rtol=1e-5, atol=1e-7)
    for both, one in zip(gradients, gradients_of(model, alone.total), strict=True):
        torch.testing.assert_close(both, one, rtol=1e-5, atol=1e-7)
    expected = alone.logged()
    assert log.keys() == expected.keys()
    if split == "equal":  # uneven shares weigh a rank's mean of a measure wrongly
        assert log == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_two_ranks_train_to_the_parameters_and_sparsity_of_one(two_ranks: dict[str, Any]) -> None:
    alone = trained(0, QUERIES)
    parameters, active = two_ranks["trained"]
    before = TwoTowers()
    for both, one in zip(parameters, alone.state_dict().values(), strict=True):
        torch.testing.assert_close(both, one, rtol=1e-5, atol=1e-7)
    assert active.tolist() == active_terms(alone).tolist()
    assert active.tolist() != active_terms(before).tolist()


def test_rows_come_in_rank_order_however_many_each_has(two_ranks: dict[str, Any]) -> None:
    rows, values, none_of_the_first = two_ranks["rows"]
    assert rows == [1, 2]
    assert values.tolist() == [[0, 0], [1, 1], [1, 1]]
    assert none_of_the_first.tolist() == [[1, 1]]


def test_without_ranks_everything_is_as_it_was() -> None:
    local = torch.randn(2, 3)
    assert gathered(local) is local
    assert summed(local) is local
    assert rows_of_ranks(local) == [2]
