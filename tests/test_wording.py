from __future__ import annotations

from hyper_ir.wording import counted


def test_one_and_many() -> None:
    assert [counted(count, "topic") for count in (0, 1, 2, 12_345)] == [
        "0 topics",
        "1 topic",
        "2 topics",
        "12,345 topics",
    ]
    assert counted(1, "topic has", "topics have") == "1 topic has"
    assert counted(2, "topic has", "topics have") == "2 topics have"
