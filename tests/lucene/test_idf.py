from __future__ import annotations

import math

import numpy as np
import pytest

from hyper_ir.lucene.idf import Idf


def test_idf_is_that_of_an_index_in_one_piece() -> None:
    frequencies = {"every": 7, "half": 3, "one": 1}
    asked: list[str] = []

    def frequency(token: str) -> int:
        asked.append(token)
        return frequencies.get(token, 0)

    idf = Idf(7, frequency)
    # As Pyserini computes it, over the array of all frequencies.
    whole = np.log(7 / np.array(list(frequencies.values())))
    for token, value in zip(frequencies, whole.tolist(), strict=True):
        assert token in idf
        assert idf[token] == value
    assert idf["every"] == 0
    assert idf["half"] == pytest.approx(math.log(7 / 3))
    assert "none" not in idf
    with pytest.raises(KeyError):
        idf["none"]
    assert asked == ["every", "half", "one", "none"]  # each once
    for listing in (lambda: len(idf), lambda: list(idf)):
        with pytest.raises(TypeError, match="not listed"):
            listing()
