from __future__ import annotations

from benchmarks.training_step import REFERENCE, table


def test_the_table_compares_round_by_round() -> None:
    found = {
        "ours": [
            {"seconds": [1.0, 1.0, 3.0], "base": 100.0, "peak": 150.0},
            {"seconds": [2.0, 2.0], "base": 100.0, "peak": 150.0},
        ],
        REFERENCE: [
            {"seconds": [3.0], "base": 100.0, "peak": 200.0},
            {"seconds": [4.0], "base": 100.0, "peak": 200.0},
        ],
    }
    assert table(found).splitlines()[2:] == [
        "| ours | 1.50 (1.00–2.00) | 50 | 2.50 (2.00–3.00) | 0.500 |",
        "| sentence-transformers | 3.50 (3.00–4.00) | 100 | 1.00 (1.00–1.00) | 1.000 |",
    ]
