from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

from hyper_ir.models import pooled_head
from hyper_ir.models.heads import LexicalHead
from hyper_ir.models.pooled_head import pooled_logits


def naive(states: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """All logits of a text, then the first greatest of each column, one text at a time."""
    pooled = []
    for text, real in zip(states, mask, strict=True):
        logits = text[real.bool()] @ weight.T + bias
        first = logits.detach().argmax(0)
        pooled.append(logits[first, torch.arange(len(weight))])
    return torch.stack(pooled)


@contextmanager
def block(numbers: int) -> Iterator[None]:
    before, pooled_head.BLOCK = pooled_head.BLOCK, numbers
    try:
        yield
    finally:
        pooled_head.BLOCK = before


def inputs(
    batch: int, length: int, rows: int, hidden: int = 3, kind: torch.dtype = torch.float64
) -> list[Tensor]:
    lengths = torch.randint(1, length + 1, (batch,))
    lengths[0] = length
    mask = (torch.arange(length)[None] < lengths[:, None]).long()
    tensors = [torch.randn(batch, length, hidden), torch.randn(rows, hidden), torch.randn(rows)]
    states, weight, bias = [tensor.to(kind).requires_grad_() for tensor in tensors]
    return [states, mask, weight, bias]


def gradients(pool: Callable[..., Tensor], tensors: list[Tensor], upstream: Tensor) -> list[Tensor]:
    output = pool(*tensors)
    wanted = [tensor for tensor in tensors if tensor.requires_grad]
    return [output.detach(), *torch.autograd.grad(output, wanted, upstream.to(output.dtype))]


@budget(max_examples=40, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(1, 7),
    st.integers(1, 13),
    st.integers(1, 14),
    st.sampled_from([1, 8, 50, 1 << 24]),
    st.booleans(),
    st.integers(0, 10_000),
)
def test_value_and_gradient_equal_the_naive_head(
    batch: int, length: int, rows: int, chunk: int, numbers: int, ties: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    tensors = inputs(batch, length, rows)
    if ties:  # small integers: many equal logits, and exact sums
        with torch.no_grad():
            for tensor in (tensors[0], tensors[2], tensors[3]):
                tensor.copy_(torch.randint(-1, 2, tensor.shape))
    upstream = torch.randn(batch, rows) * (torch.rand(batch, rows) < 0.5)
    with block(numbers):
        ours = gradients(lambda *t: pooled_logits(*t, rows_at_once=chunk), tensors, upstream)
    for mine, expected in zip(ours, gradients(naive, tensors, upstream), strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-10, atol=1e-10)
    with torch.no_grad():
        torch.testing.assert_close(pooled_logits(*tensors), ours[0])


def test_gradients_are_those_of_finite_differences() -> None:
    torch.manual_seed(0)
    states, mask, weight, bias = inputs(2, 4, 6)
    assert torch.autograd.gradcheck(
        lambda s, w, b: torch.relu(pooled_logits(s, mask, w, b)), (states, weight, bias)
    )


def test_what_needs_no_gradient_gets_none() -> None:
    torch.manual_seed(0)
    for frozen in ((0,), (2, 3), (0, 2)):
        tensors = inputs(2, 4, 6)
        for i in frozen:
            tensors[i] = tensors[i].detach()
        pairs = (gradients(pool, tensors, torch.ones(2, 6)) for pool in (pooled_logits, naive))
        for mine, expected in zip(*pairs, strict=True):
            torch.testing.assert_close(mine, expected)


def test_padding_gets_no_gradient_even_where_its_copy_wins_by_a_rounding() -> None:
    # A matrix product may round equal rows differently, by their place in it.
    torch.manual_seed(0)
    for length in range(2, 20):
        states, _, weight, bias = inputs(1, length, 5, hidden=17, kind=torch.float32)
        mask = (torch.arange(length) == 0).long()[None]
        torch.autograd.backward(pooled_logits(states, mask, weight, bias).sum())
        assert states.grad is not None
        assert states.grad[0, 0].any()
        assert not states.grad[0, 1:].any()


class LargestTensor(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the size of the largest tensor that any operation returns."""

    numbers = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        for value in result if isinstance(result, (tuple, list)) else [result]:
            # A sparse tensor's shape costs nothing; its stored numbers do.
            if isinstance(value, Tensor):
                dense = value.layout == torch.strided
                self.numbers = max(self.numbers, value.numel() if dense else value._nnz())
        return result


def largest_and_kept(pool: Callable[..., Tensor], length: int) -> tuple[int, int]:
    """Numbers in the largest tensor of forward and backward, and bytes kept in between."""
    states, mask, weight, bias = inputs(4, length, 2000, kind=torch.float32)
    states = states.detach()  # its gradient is as large as itself
    kept = 0

    def keep(tensor: Tensor) -> Tensor:
        nonlocal kept
        kept += tensor.nbytes if tensor.data_ptr() not in known else 0
        known.add(tensor.data_ptr())
        return tensor

    known = {states.data_ptr(), weight.data_ptr(), mask.data_ptr()}
    largest = LargestTensor()  # type: ignore[no-untyped-call]
    with largest, block(8000):
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            output = torch.relu(pool(states, mask, weight, bias))
        torch.autograd.backward(output.sum())
    return largest.numbers, kept


def test_memory_grows_with_the_batch_times_the_vocabulary_not_with_the_length() -> None:
    short, long = (largest_and_kept(pooled_logits, length) for length in (16, 512))
    # Two indices for each number that has a gradient, and not all have one.
    assert short[0] < 2 * 4 * 2000
    assert long[0] < 2 * 4 * 2000
    assert long[1] == short[1] == 4 * 2000 * (2 + 4)  # positions; what ReLU keeps
    assert largest_and_kept(naive, 512)[0] >= 512 * 2000  # the measure sees the naive head's


@pytest.mark.parametrize("settings", [{}, {"activation": "log1p_relu"}])
def test_the_lexical_head_learns_through_it(settings: Any) -> None:
    torch.manual_seed(1)
    transform = torch.nn.Linear(4, 4)
    head = LexicalHead(
        torch.randn(6, 4),
        torch.randn(6),
        torch.tensor([3, 1, 8, 0, 5, 6]),
        9,
        transform,
        **settings,
    )
    states, mask = torch.randn(3, 5, 4, requires_grad=True), torch.ones(3, 5).long()
    mask[0, 2:] = 0
    weights = torch.log1p(torch.relu(naive(transform(states), mask, head.weight, head.bias)))
    weights = torch.log1p(weights) if settings else weights
    expected = torch.zeros(3, 9).index_copy(1, torch.tensor([3, 1, 8, 0, 5, 6]), weights)
    result = head(states, mask)
    torch.testing.assert_close(result, expected)
    upstream, wanted = torch.randn(3, 9), [states, *head.parameters()]
    for mine, theirs in zip(
        torch.autograd.grad(result, wanted, upstream),
        torch.autograd.grad(expected, wanted, upstream),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_under_autocast_sums_and_gradients_stay_in_float32() -> None:
    torch.manual_seed(2)
    tensors = inputs(3, 6, 40, hidden=16, kind=torch.float32)
    upstream = torch.rand(3, 40)
    with torch.autocast("cpu", torch.bfloat16):
        ours = gradients(pooled_logits, tensors, upstream)
    assert all(tensor.dtype == torch.float32 for tensor in ours)
    rounded = [
        tensor.detach().bfloat16().float() if i in (0, 2) else tensor
        for i, tensor in enumerate(tensors)
    ]
    torch.testing.assert_close(ours[0], naive(*rounded), rtol=0.01, atol=0.05)
    # The same positions win but for near ties, so most gradients are float32's own.
    exact = gradients(pooled_logits, tensors, upstream)
    same = torch.isclose(ours[2], exact[2], rtol=1e-5, atol=1e-6).all(1).float().mean()
    assert same > 0.8
    torch.testing.assert_close(ours[3], exact[3])


@pytest.mark.parametrize("reentrant", [False, True])
def test_one_head_twice_under_gradient_checkpointing(reentrant: bool) -> None:
    torch.manual_seed(3)
    head = LexicalHead(torch.randn(7, 4), torch.randn(7))
    queries, documents = (torch.randn(2, 3, 4, requires_grad=True) for _ in range(2))
    mask = torch.ones(2, 3).long()

    def scores(saving: bool) -> list[Tensor]:
        vectors = [
            checkpoint(head, states, mask, use_reentrant=reentrant)
            if saving
            else head(states, mask)
            for states in (queries, documents)
        ]
        return list(
            torch.autograd.grad((vectors[0] @ vectors[1].T).sum(), [queries, documents])
            if not reentrant
            else backward((vectors[0] @ vectors[1].T).sum())
        )

    def backward(loss: Tensor) -> list[Tensor]:  # the re-entrant kind knows backward() only
        head.zero_grad()
        queries.grad = documents.grad = None
        torch.autograd.backward(loss)
        return [x.grad for x in (queries, documents, head.weight, head.bias) if x.grad is not None]

    for mine, expected in zip(scores(True), scores(False), strict=True):
        torch.testing.assert_close(mine, expected)


def test_torch_compile_runs_it_as_it_is() -> None:
    torch.manual_seed(4)
    head = LexicalHead(torch.randn(7, 4), torch.randn(7))
    states, mask = torch.randn(2, 3, 4), torch.ones(2, 3).long()
    compiled = torch.compile(head, backend="eager")
    torch.testing.assert_close(compiled(states, mask), head(states, mask))
    torch.autograd.backward(compiled(states, mask).sum())
    assert head.weight.grad is not None
