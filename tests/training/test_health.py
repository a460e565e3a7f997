from __future__ import annotations

import pytest

from hyper_ir.training.health import Health, HealthLimits, warnings_of

WELL = {
    "share/ranking": 0.8,
    "share/flops_query": 0.2,
    "query/active_terms": 30.0,
    "query/active_share": 0.001,
    "document/active_terms": 120.0,
    "document/active_share": 0.004,
    "attention/entropy": 0.7,
    "attention/jsd_within": 0.05,
    "attention/jsd_between": 0.2,
    "attention/prompts_used": 0.9,
}

AILMENTS = [
    ("share/flops_query", 0.6, "regulariser-dominates", "flops_query"),
    ("query/active_terms", 0.4, "vectors-empty", "query"),
    ("document/active_share", 0.9, "vectors-full", "document"),
    ("attention/entropy", 0.998, "attention-uniform", "prompts"),
    ("attention/entropy", 0.01, "attention-one-hot", "prompts"),
    ("attention/jsd_between", 1e-6, "attention-collapsed", "prompts"),
    ("attention/prompts_used", 0.05, "prompts-unused", "prompts"),
]


def test_a_run_that_goes_well_is_left_in_peace() -> None:
    assert warnings_of(1, WELL, HealthLimits()) == []
    assert warnings_of(1, {}, HealthLimits()) == []
    assert warnings_of(1, {"share/ranking": 1.0}, HealthLimits()) == []


@pytest.mark.parametrize(("key", "value", "ailment", "subject"), AILMENTS)
def test_each_ailment_is_told_with_its_subject(
    key: str, value: float, ailment: str, subject: str
) -> None:
    (found,) = warnings_of(7, {**WELL, key: value}, HealthLimits())
    assert (found.ailment, found.subject, found.step, found.value) == (ailment, subject, 7, value)
    assert str(found).startswith("step 7: ")


def test_a_warning_comes_when_it_arises_and_again_after_it_had_gone() -> None:
    health, sick = Health(), {**WELL, "attention/entropy": 1.0}
    told = [
        len(health.observe(step, log)) for step, log in enumerate([WELL, sick, sick, WELL, sick])
    ]
    assert told == [0, 1, 0, 0, 1]


def test_limits_can_be_set() -> None:
    log = {**WELL, "share/flops_query": 0.3}
    assert warnings_of(1, log, HealthLimits(share=0.25))[0].ailment == "regulariser-dominates"


def test_one_easy_batch_is_no_dominating_regulariser() -> None:
    health = Health()
    usual, easy = {"share/flops_query": 0.1}, {"share/flops_query": 0.9}
    for step, log in enumerate([usual, usual, easy, usual]):
        assert not health.observe(step, log)
    found = [health.observe(step, easy) for step in range(4, 10)]
    assert [len(one) for one in found].count(1) == 1, "it is told once"


def test_a_log_without_the_measure_does_not_end_an_ailment() -> None:
    health = Health()
    full = {"query/active_share": 0.9}
    assert health.observe(1, full)
    assert not health.observe(2, {"validation/mean": 0.5})
    assert not health.observe(3, full)
    assert not health.observe(4, {"query/active_share": 0.1})
    assert health.observe(5, full)
