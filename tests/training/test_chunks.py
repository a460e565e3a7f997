from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompt_initialisation import new_prompts
from hyper_ir.models.retriever import Retriever
from hyper_ir.models.towers import Tower
from hyper_ir.training.chunks import OWN_COST, chunks, encode_in_chunks
from tests.tiny_models import save_checkpoint


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> Tower:
    retriever = Retriever.from_pretrained(save_checkpoint(tmp_path_factory.mktemp("m") / "m"))
    config = PromptConfig(
        prompts=3, length=2, query_hidden=4, prefix_hidden=3, initialisation="words"
    )
    prompts = new_prompts(config, retriever.query.backbone)
    return retriever.with_prompts(prompts).query.double()


def texts() -> tuple[Tensor, Tensor]:
    torch.manual_seed(3)
    lengths = torch.tensor([4, 11, 2, 7, 11, 3, 9])
    mask = (torch.arange(11) < lengths.unsqueeze(1)).long()
    return torch.randint(5, 150, mask.shape) * mask, mask


def gradients(tower: Tower, vectors: Tensor, attention: Tensor | None) -> list[Tensor | None]:
    weights = torch.linspace(-1, 1, vectors.numel(), dtype=torch.float64).view_as(vectors)
    total = (vectors * weights).sum()
    if attention is not None:
        total = total + attention.square().sum()
    found = torch.autograd.grad(total, list(tower.parameters()), allow_unused=True)
    return list(found)


@pytest.mark.parametrize("chunk_tokens", [None, 3, 22, 1000])
@pytest.mark.parametrize("recompute", [False, True])
def test_chunks_give_the_whole_batchs_vectors_and_gradients(
    tower: Tower, chunk_tokens: int | None, recompute: bool
) -> None:
    ids, mask = texts()
    whole = tower.encode(ids, mask)
    parts = encode_in_chunks(tower, ids, mask, chunk_tokens, recompute)
    assert torch.allclose(parts.vectors, whole.vectors, atol=1e-12)
    assert parts.prompt_attention is not None
    assert whole.prompt_attention is not None
    assert torch.allclose(parts.prompt_attention, whole.prompt_attention, atol=1e-12)
    first, second = gradients(tower, *whole), gradients(tower, *parts)
    for mine, other in zip(first, second, strict=True):
        assert (mine is None) == (other is None)
        if mine is not None and other is not None:
            assert torch.allclose(mine, other, atol=1e-9)


def test_dropout_is_drawn_alike_when_a_chunk_is_computed_again(tower: Tower) -> None:
    ids, mask = texts()
    tower.train()
    try:
        found = []
        for recompute in (False, True):
            torch.manual_seed(11)
            encoding = encode_in_chunks(tower, ids, mask, 22, recompute)
            found.append(gradients(tower, *encoding))
    finally:
        tower.eval()
    for mine, other in zip(*found, strict=True):
        if mine is not None and other is not None:
            assert torch.allclose(mine, other, atol=1e-9)


def test_recomputing_keeps_no_activations(tower: Tower) -> None:
    ids, mask = texts()
    kept: dict[bool, int] = {}
    for recompute in (False, True):
        sizes: list[int] = []

        def count(tensor: Tensor, sizes: list[int] = sizes) -> Tensor:
            if not isinstance(tensor, torch.nn.Parameter):
                sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            encode_in_chunks(tower, ids, mask, 22, recompute)
        kept[recompute] = sum(sizes)
    assert kept[True] < kept[False] / 10


def _cost(lengths: list[int], ends: tuple[int, ...], tokens: int) -> float:
    """Of a cut, naively; infinite where a chunk is too large."""
    total, start = 0.0, 0
    for end in ends:
        padded = max(lengths[start], 1) * (end - start)
        if padded > tokens and end - start > 1:
            return float("inf")
        total += padded + OWN_COST * tokens
        start = end
    return total


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(1, 100))
def test_no_cut_computes_less(lengths: list[int], tokens: int) -> None:
    lengths.sort(reverse=True)
    count = len(lengths)
    cut = list(chunks(lengths, tokens))
    assert [row for rows, _ in cut for row in range(rows.start, rows.stop)] == list(range(count))
    assert all(longest == max(lengths[rows.start], 1) for rows, longest in cut)
    inner = range(1, count)
    every = (
        (*chosen, count) for size in range(count) for chosen in itertools.combinations(inner, size)
    )
    least = min(_cost(lengths, ends, tokens) for ends in every)
    assert _cost(lengths, tuple(rows.stop for rows, _ in cut), tokens) == pytest.approx(least)


def test_few_long_texts_do_not_pad_many_short_ones() -> None:
    cut = list(chunks([128] * 10 + [12] * 22, 2048))
    assert [rows.stop for rows, _ in cut] == [10, 32]
