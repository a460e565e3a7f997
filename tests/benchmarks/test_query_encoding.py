from __future__ import annotations

from typing import Any

from benchmarks.query_encoding import CONDITIONAL, NONE, STATIC, QueryEncoder, measure, row


class Counted:
    """An engine that notes how many texts it was given each time."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def encode(self, texts: list[str]) -> list[dict[str, int]]:
        self.calls.append(len(texts))
        return [{} for _ in texts]


def test_as_many_rounds_as_the_seconds_allow() -> None:
    engines = [Counted(), Counted()]
    systems = [QueryEncoder(name, engine, True) for name, engine in zip("AB", engines, strict=True)]
    few = measure(systems, ["x", "y"], budget=0, most=40)
    assert {name: len(times) for name, times in few.items()} == {"A": 3, "B": 3}
    assert engines[0].calls == engines[1].calls == [2] * (2 + 3) * 4
    many = measure(systems, ["x"], budget=1e9, most=5)
    assert len(many["A"]) == 5


def test_a_line_of_the_table() -> None:
    seconds = {NONE: [0.010, 0.020], STATIC: [0.011, 0.022], CONDITIONAL: [0.012, 0.022]}
    cell: dict[str, Any] = {"model": "minilm", "length": 8, "batch": 1, "counted": 1.114}
    cell["seconds"] = seconds
    assert row(cell) == [
        "minilm, 8 tokens, batch 1",
        "15.00",
        "16.50",
        "17.00",
        "1.15 (1.10–1.20)",
        "1.10 (1.10–1.10)",
        "1.05 (1.00–1.09)",
        "1.11",
        "2",
    ]
