from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompt_initialisation import initialise, k_means
from hyper_ir.models.prompts import PromptSynthesiser

D, VOCABULARY, TASKS = 768, 400, 4


@pytest.fixture(scope="module")
def table() -> Tensor:
    """Word embeddings as BERT's: a common direction, and a spread of 0.05."""
    generator = torch.Generator().manual_seed(0)
    common = torch.randn(D, generator=generator) * 0.02
    return torch.randn(VOCABULARY, D, generator=generator) * 0.05 + common


def queries_of(seed: int, each: int = 25) -> tuple[Tensor, Tensor]:
    """Queries of four tasks: 12 tokens between special ones, most from the task's own words."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for task in range(TASKS):
        own = torch.randint(0, 20, (each, 8), generator=generator) + 20 * (task + 1)
        other = torch.randint(100, VOCABULARY, (each, 4), generator=generator)
        ends = torch.tensor([0, 1]).expand(each, 2)
        rows.append(torch.cat([ends, own, other], dim=1))
    ids = torch.cat(rows)
    mask = torch.ones_like(ids)
    mask[::3, 11:] = 0
    return ids, mask


def attention_at_start(table: Tensor, **settings: Any) -> Tensor:
    prompts = PromptSynthesiser(PromptConfig(**settings), D, 12)
    initialise(prompts, table, [queries_of(1)])
    ids, mask = queries_of(2)
    with torch.no_grad():
        return prompts.prompt_attention(table[ids], mask)


def entropy(attention: Tensor) -> Tensor:
    """Of each row, as a share of the most there can be."""
    nats: Tensor = torch.special.entr(attention).sum(-1)
    return nats / math.log(attention.shape[-1])


def divergences(attention: Tensor) -> tuple[float, float]:
    """Mean Jensen-Shannon divergence between queries of one task, and of two."""
    p, q = attention[:, None], attention[None]

    def h(distribution: Tensor) -> Tensor:
        nats: Tensor = torch.special.entr(distribution).sum(-1)
        return nats

    jsd = h((p + q) / 2) - (h(p) + h(q)) / 2
    task = torch.arange(len(attention)) // (len(attention) // TASKS)
    same = task[:, None] == task[None]
    apart = ~torch.eye(len(attention), dtype=torch.bool)
    return float(jsd[same & apart].mean()), float(jsd[~same].mean())


def test_uniform_prompts_start_collapsed(table: Tensor) -> None:
    attention = attention_at_start(table, initialisation="uniform")
    assert entropy(attention).min() > 0.99
    assert max(divergences(attention)) < 2e-3


def test_standard_normal_prompts_start_with_one_winner(table: Tensor) -> None:
    attention = attention_at_start(table, initialisation="normal")
    assert entropy(attention).mean() < 0.5
    assert attention.amax(1).mean() > 0.5
    assert attention.argmax(1).bincount().max() > 0.4 * len(attention)


def test_k_means_starts_neither_collapsed_nor_decided_and_tells_tasks_apart(table: Tensor) -> None:
    attention = attention_at_start(table)
    assert PromptConfig().initialisation == "kmeans"
    assert 0.5 < entropy(attention).mean() < 0.95
    within, between = divergences(attention)
    assert between > 0.05
    assert between > 2 * within
    assert entropy(attention.mean(0)) > 0.9
    assert attention.argmax(1).bincount(minlength=20).max() < 0.5 * len(attention)


@pytest.mark.parametrize("switches", [{}, {"scale_scores": True, "temperature": 1.0}])
def test_k_means_makes_scores_as_wide_as_asked(table: Tensor, switches: dict[str, Any]) -> None:
    narrow = attention_at_start(table, initialisation_scale=0.5, **switches).log()
    wide = attention_at_start(table, initialisation_scale=2.0, **switches).log()
    for scores, scale in ((narrow, 0.5), (wide, 2.0)):
        spread = (scores - scores.mean(1, keepdim=True)).std()
        assert 0.5 * scale < spread < 1.5 * scale


def test_k_means_favours_no_prompt_for_all_queries(table: Tensor) -> None:
    prompts = PromptSynthesiser(PromptConfig(), D, 2)
    ids, mask = queries_of(1)
    initialise(prompts, table, [(ids[:50], mask[:50]), (ids[50:], mask[50:])])
    with torch.no_grad():
        scores = prompts.query(table[ids], mask) @ prompts.prompts.amax(dim=1).T
    assert scores.std() > 1
    torch.testing.assert_close(scores.mean(0), torch.zeros(20), rtol=0, atol=1e-3)


def test_words_are_rows_of_the_table(table: Tensor) -> None:
    config = PromptConfig(initialisation="words", initialisation_scale=2.0, prompts=3, length=5)
    prompts = PromptSynthesiser(config, D, 2)
    initialise(prompts, table)
    for row in prompts.prompts.detach().view(-1, D):
        assert (table * 2 == row).all(dim=1).any()


@pytest.mark.parametrize("initialisation", ["normal", "uniform", "words", "kmeans"])
def test_a_seed_decides_everything_and_touches_no_other_state(
    table: Tensor, initialisation: Any
) -> None:
    made: list[dict[str, Tensor]] = []
    for seed in (1, 1, 2):
        torch.manual_seed(len(made))
        config = PromptConfig(initialisation=initialisation, prompts=3, length=4, bias=True)
        prompts = PromptSynthesiser(config, D, 2)
        before = torch.get_rng_state()
        initialise(prompts, table, [queries_of(1)], seed)
        assert torch.equal(torch.get_rng_state(), before)
        made.append(prompts.state_dict())
    for name in made[0]:
        assert torch.equal(made[0][name], made[1][name])
        assert torch.equal(made[0][name], made[2][name]) == name.startswith("norm")


def test_too_few_queries_for_k_means_are_refused(table: Tensor) -> None:
    prompts = PromptSynthesiser(PromptConfig(), D, 2)
    with pytest.raises(ValueError, match="at least 20 different queries"):
        initialise(prompts, table)
    ids, mask = queries_of(1)
    with pytest.raises(ValueError, match="not 1;"):
        initialise(prompts, table, [(ids[:1].expand(30, -1), mask[:1].expand(30, -1))])


def test_k_means_finds_clusters_that_are_there() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = (centres[:, None] + torch.randn(3, 40, 2, generator=generator)).view(-1, 2)
    found = k_means(points, 3, generator)
    means = points.view(3, 40, 2).mean(1)
    order = torch.cdist(means, found).argmin(1)
    assert sorted(order.tolist()) == [0, 1, 2]
    torch.testing.assert_close(found[order], means, rtol=0, atol=1e-5)
