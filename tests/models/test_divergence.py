from __future__ import annotations

import math

import pytest
import torch

from hyper_ir.models.divergence import jensen_shannon
from tests.models.naive_divergence import naive_jsd


def test_it_stays_within_its_bounds_and_keeps_small_values() -> None:
    one_hot = torch.eye(3)
    assert float(jensen_shannon(one_hot[0], one_hot[1])) == pytest.approx(math.log(2))
    assert float(jensen_shannon(one_hot[0], one_hot[0])) == 0
    # Mode collapse at step 0 is a matter of 1e-7: differences of entropies would lose it.
    p = torch.full((20,), 0.05)
    q = p.clone()
    q[0] += 1e-4
    q[1] -= 1e-4
    assert float(jensen_shannon(p, q)) == pytest.approx(
        naive_jsd(p.double().tolist(), q.double().tolist()), rel=1e-2
    )
