from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from hyper_ir.models import heads
from hyper_ir.models.heads import DenseHead, LexicalHead


def naive_head(
    states: torch.Tensor, mask: torch.Tensor, head: LexicalHead, text: int
) -> list[float]:
    """One text at a time, one token at a time, one vocabulary row at a time."""
    positions = [i for i in range(mask.shape[1]) if mask[text, i]]
    result = []
    for row, offset in zip(head.weight.detach(), head.bias.detach(), strict=True):
        values = []
        for position in positions:
            logit = float((states[text, position] * row).sum() + offset)
            value = torch.log(torch.tensor(1 + max(logit, 0.0)))
            values.append(float(torch.log(1 + value) if head.activation == "log1p_relu" else value))
        result.append(max(values) if head.pooling == "max" else sum(values))
    return result


@budget(max_examples=20, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(1, 6),
    st.integers(1, 23),
    st.sampled_from(["max", "sum"]),
    st.sampled_from(["relu", "log1p_relu"]),
    st.integers(0, 10_000),
)
def test_the_chunked_head_equals_the_naive_one(
    batch: int, length: int, rows: int, pooling: str, activation: str, seed: int
) -> None:
    torch.manual_seed(seed)
    settings: Any = {"pooling": pooling, "activation": activation}
    head = LexicalHead(torch.randn(rows, 5), torch.randn(rows), **settings)
    states = torch.randn(batch, length, 5)
    lengths = torch.randint(1, length + 1, (batch,))
    mask = (torch.arange(length)[None] < lengths[:, None]).long()
    expected = [naive_head(states, mask, head, text) for text in range(batch)]
    before, heads.CHUNK = heads.CHUNK, 4
    try:
        result = head(states, mask)
    finally:
        heads.CHUNK = before
    torch.testing.assert_close(result, torch.tensor(expected), rtol=1e-4, atol=1e-5)


def test_rows_for_some_tokens_only_leave_the_others_at_zero() -> None:
    states, mask = torch.randn(2, 3, 4), torch.ones(2, 3, dtype=torch.long)
    weight, bias = torch.randn(3, 4), torch.ones(3)
    whole = LexicalHead(weight, bias)(states, mask)
    some = LexicalHead(weight, bias, torch.tensor([7, 1, 4]), 9)(states, mask)
    assert some.shape == (2, 9)
    torch.testing.assert_close(some[:, [7, 1, 4]], whole)
    assert not some[:, [0, 2, 3, 5, 6, 8]].any()


def test_a_texts_own_tokens_have_at_least_their_floor() -> None:
    states, mask = torch.randn(2, 3, 4), torch.tensor([[1, 1, 1], [1, 1, 0]])
    ids = torch.tensor([[1, 4, 4], [7, 2, 4]])
    weight, bias, own = torch.randn(3, 4), torch.randn(3), torch.tensor([5.0, 6.0, -1.0])
    tokens = torch.tensor([4, 2, 7])
    without = LexicalHead(weight, bias, tokens, 9)(states, mask)
    head = LexicalHead(weight, bias, tokens, 9, own=own)
    expected = without.clone()
    expected[0, 4] = torch.maximum(without[0, 4], torch.log(torch.tensor(6.0)))
    expected[1, 2] = torch.maximum(without[1, 2], torch.log(torch.tensor(7.0)))
    torch.testing.assert_close(head(states, mask, ids), expected)
    with pytest.raises(ValueError, match="needs input_ids"):
        head(states, mask)


def test_padding_states_never_count() -> None:
    states = torch.randn(1, 3, 4)
    mask = torch.tensor([[1, 1, 0]])
    wild = states.clone()
    wild[0, 2] = 1e6
    for head in (LexicalHead(torch.randn(5, 4), torch.zeros(5)), DenseHead(4, "mean")):
        torch.testing.assert_close(head(wild, mask), head(states, mask))


def test_shapes_and_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="weight"):
        LexicalHead(torch.randn(3, 4), torch.randn(4))
    with pytest.raises(ValueError, match="pooling"):
        LexicalHead(torch.randn(3, 4), torch.randn(3), pooling="mean")  # type: ignore[arg-type]
