from __future__ import annotations

import pytest

from benchmarks.memory import MIB, in_words, main, table


def test_what_was_stopped_is_told_as_more_than_allowed() -> None:
    assert in_words([10.0, 14.0, 11.0], 100 * MIB) == "11 (10–14)"
    assert in_words([10.0, None], 100 * MIB) == "over 100"


def test_the_table() -> None:
    found = {"minilm": {"ours": {"8": [10.0], "32": [None]}}}
    assert table(found, [8, 32], 50 * MIB).splitlines() == [
        "| model, encoder | batch 8, MiB | batch 32, MiB |",
        "| --- | ---: | ---: |",
        "| minilm, ours | 10 (10–10) | over 50 |",
    ]


def test_lengths_that_no_model_has_are_refused() -> None:
    with pytest.raises(ValueError, match="3 to 512 tokens"):
        main(["--length", "513"])
