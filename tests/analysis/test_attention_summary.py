from __future__ import annotations

import json
import math

import numpy as np
import pytest

from hyper_ir.analysis.attention_summary import entropy, summarise
from hyper_ir.analysis.divergences import pairwise_divergence, task_divergences
from hyper_ir.analysis.prompt_attention import PromptAttention
from tests.analysis.small import attention


def summary(some: PromptAttention):  # type: ignore[no-untyped-def]
    return summarise(some, task_divergences(pairwise_divergence(some.shares), some.members))


def test_figures_are_those_of_their_definitions() -> None:
    some = attention()
    found = summary(some)
    assert [each.queries for each in found.tasks] == [5, 7, 4]
    for place, each in enumerate(found.tasks):
        rows = some.of(place)
        naive = [-sum(p * math.log(p) for p in row) / math.log(6) for row in rows]
        assert each.entropy == pytest.approx(np.mean(naive))
        assert each.entropy_of_mean >= each.entropy  # entropy is concave
        assert each.mean == pytest.approx(rows.mean(axis=0).tolist())
        assert each.top == sorted(range(6), key=lambda prompt: -each.mean[prompt])[:3]
        assert each.firsts == len({int(row.argmax()) for row in rows})
    json.dumps(found.as_json(), allow_nan=False)


def test_unused_prompts_get_less_than_a_tenth_of_an_equal_share() -> None:
    shares = np.array([[0.98, 0.02, 0.0], [0.9, 0.1, 0.0], [0.5, 0.5, 0.0], [0.5, 0.5, 0.0]])
    some = PromptAttention(["a", "b"], np.array([0, 0, 1, 1]), list("1234"), list("1234"), shares)
    assert summary(some).unused == [2]


def test_entropy_has_its_ends() -> None:
    assert entropy(np.full(4, 0.25)) == pytest.approx(1)
    assert entropy(np.array([1.0, 0, 0])) == 0
    assert entropy(np.ones(1)) == 0
