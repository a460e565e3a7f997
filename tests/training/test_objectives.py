from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from hyper_ir.training.balance import prompt_balance
from hyper_ir.training.contrastive import contrastive
from hyper_ir.training.cpr import contrastive_prompt_regularisation
from hyper_ir.training.flops import flops
from hyper_ir.training.objectives import ObjectiveConfig, objective
from tests.training.two_towers import CONFIG, TwoTowers, batch, loss_of


def test_the_total_is_the_weighted_sum_of_its_terms() -> None:
    model, step = TwoTowers(), 10
    queries, documents, candidates, tasks = batch(step)
    q, d, attention = model(queries, documents)
    cpr = contrastive_prompt_regularisation(attention, tasks)
    expected = (
        contrastive(q, d, candidates)["ranking"]
        + 0.25 * 0.03 * flops(q)  # half of the ramp: a quarter of the weight
        + 0.25 * 0.02 * flops(d)
        + 0.5 * (cpr["alignment"] + cpr["uniformity"])
    )
    loss = loss_of(model, step, CONFIG)
    torch.testing.assert_close(loss.total, expected)
    torch.testing.assert_close(sum(loss.weighted.values()), loss.total.detach())
    assert float(sum(loss.shares.values())) == pytest.approx(1)
    assert not any(value.requires_grad for value in (*loss.terms.values(), *loss.measures.values()))


def test_terms_can_be_switched_off() -> None:
    model = TwoTowers()
    settings = {
        "flops_query": replace(CONFIG, flops_query=0),
        "flops_document": replace(CONFIG, flops_document=0),
        "alignment": replace(CONFIG, alignment=False),
        "uniformity": replace(CONFIG, uniformity=False),
    }
    whole = loss_of(model, 30, CONFIG)
    for name, config in settings.items():
        loss = loss_of(model, 30, config)
        assert set(whole.terms) - set(loss.terms) == {name}
        torch.testing.assert_close(loss.total.detach(), whole.total.detach() - whole.weighted[name])
        assert "attention/jsd_within" in loss.measures  # measured nevertheless


def test_balance_is_added_where_it_is_asked_for() -> None:
    model = TwoTowers()
    plain, balanced = (loss_of(model, 30, replace(CONFIG, balance=weight)) for weight in (0, 0.7))
    assert set(balanced.terms) - set(plain.terms) == {"balance"}
    _, _, attention = model(*batch(30)[:2])
    torch.testing.assert_close(balanced.total - plain.total, 0.7 * prompt_balance(attention))


def test_a_model_without_prompts_has_no_cpr() -> None:
    queries, documents, candidates, _ = batch(0)
    q, d, _ = TwoTowers()(queries, documents)
    loss = objective(CONFIG, 0, q, d, candidates, measured=False)
    assert set(loss.terms) == {"ranking", "flops_query", "flops_document"}
    assert not loss.measures
    assert set(loss.logged()) >= {"loss", "loss/ranking", "weighted/ranking", "share/ranking"}


def test_the_log_holds_every_term_share_and_measure() -> None:
    loss = loss_of(TwoTowers(), 30, CONFIG)
    log = loss.logged()
    assert log["loss"] == pytest.approx(loss.total.item())
    for kind in ("loss", "weighted", "share"):
        names = {key.partition("/")[2] for key in log if key.startswith(f"{kind}/")}
        assert names == {"ranking", "flops_query", "flops_document", "alignment", "uniformity"}
    assert log["share/flops_query"] == pytest.approx(float(loss.shares["flops_query"]))
    assert {"accuracy", "query/active_terms", "attention/entropy"} <= set(log)


def test_settings_that_cannot_be_are_refused() -> None:
    for settings in (
        {"cpr": -1},
        {"balance": -1},
        {"temperature": 0},
        {"cpr_reduction": "max"},
        {"flops_ramp": -1},
    ):
        with pytest.raises(ValueError, match=next(iter(settings))):
            ObjectiveConfig(**settings)
    queries, documents, candidates, _ = batch(0)
    q, d, attention = TwoTowers()(queries, documents)
    with pytest.raises(ValueError, match="tasks"):
        objective(CONFIG, 0, q, d, candidates, attention)
