from __future__ import annotations

import math

import pytest
import torch

from hyper_ir.training.measures import attention_measures, vector_measures


def floats(measures: dict[str, torch.Tensor]) -> dict[str, float]:
    return {name.partition("/")[2]: float(value) for name, value in measures.items()}


def test_active_terms_are_counted() -> None:
    vectors = torch.tensor([[0.0, 1.0, 0.2, 0.0], [0.0, 0.0, 3.0, 0.0]])
    assert floats(vector_measures("query", vectors)) == {
        "active_terms": 1.5,
        "active_share": 0.375,
    }


def test_uniform_attention() -> None:
    found = floats(attention_measures(torch.full((4, 5), 0.2), torch.tensor([0, 0, 1, 1])))
    assert found["entropy"] == pytest.approx(1)
    assert found["jsd_within"] == pytest.approx(0, abs=1e-7)
    assert found["jsd_between"] == pytest.approx(0, abs=1e-7)
    assert found["prompts_used"] == 1


def test_one_prompt_for_each_task() -> None:
    attention = torch.eye(5)[[0, 0, 1, 1, 1]]
    found = floats(attention_measures(attention, torch.tensor([0, 0, 1, 1, 1])))
    assert found["entropy"] == 0
    assert found["jsd_within"] == 0
    assert found["jsd_between"] == pytest.approx(math.log(2))
    assert found["prompts_used"] == pytest.approx(2 / 5)
    assert found["top_prompt"] == pytest.approx(3 / 5)


def test_divergences_that_a_batch_cannot_show_are_absent() -> None:
    attention = torch.softmax(torch.randn(3, 4), 1)
    one_task = attention_measures(attention, torch.zeros(3).long())
    assert "attention/jsd_between" not in one_task
    all_tasks = attention_measures(attention, torch.arange(3))
    assert "attention/jsd_within" not in all_tasks
    assert float(attention_measures(torch.ones(2, 1), torch.arange(2))["attention/entropy"]) == 0
