from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from hyper_ir.advising.advice import make_advice
from hyper_ir.advising.plot import draw
from tests.advising.collection import made_up


@pytest.mark.parametrize(
    "figures",
    [
        [(100.0, 1000, [0.5, 0.6])],
        [(100.0, 1000, [0.5, 0.5]), (100.0, 1000, [0.5, 0.5])],  # all at one point
        [(10.0 * 2**each, 9000 // (each + 1), [0.5, 0.6 - each / 50]) for each in range(8)],
    ],
    ids=["one", "equal", "wide"],
)
def test_both_files_are_drawn_and_drawn_the_same_again(
    tmp_path: Path, figures: list[tuple[float, int, list[float]]]
) -> None:
    _, sizes, latencies, found = made_up(figures, measure="nDCG@10")
    advice = make_advice(sizes, latencies, found)
    draw(advice, tmp_path / "a", "lucene")
    draw(advice, tmp_path / "b", "lucene")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    for ending in (".svg", ".png"):
        first, second = ((tmp_path / name).with_suffix(ending) for name in "ab")
        assert first.read_bytes() == second.read_bytes()
    ElementTree.parse(tmp_path / "a.svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.svg", "b.png", "b.svg"]
