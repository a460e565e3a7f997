from __future__ import annotations

import pytest
import torch
from torch import Tensor

from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompt_initialisation import new_prompts
from hyper_ir.models.retriever import Retriever
from hyper_ir.models.towers import Tower
from hyper_ir.training.chunks import encode_in_chunks
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
