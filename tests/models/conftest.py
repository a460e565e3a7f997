from __future__ import annotations

from typing import Any

import pytest

from hyper_ir.models import prefix_attention


@pytest.fixture
def forms(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes which form of attention is taken, call by call."""
    taken: list[str] = []

    def noting(name: str, function: Any) -> Any:
        def noted(*arguments: Any) -> Any:
            taken.append(name)
            return function(*arguments)

        return noted

    for name in ("bottleneck_attention", "_extended"):
        monkeypatch.setattr(prefix_attention, name, noting(name, getattr(prefix_attention, name)))
    return taken
