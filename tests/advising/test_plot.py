from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.legend import Legend

from hyper_ir.advising.advice import make_advice
from hyper_ir.advising.plot import BETWEEN, _figure, draw
from tests.advising.collection import made_up


def test_the_recommended_one_is_seen_beside_its_neighbours() -> None:
    figures = [(100.0, 1000, [0.5, 0.6]), (200, 500, [0.5, 0.6]), (201, 990, [0.5, 0.6])]
    _, sizes, latencies, found = made_up(figures, measure="nDCG@10")
    figure = _figure(make_advice(sizes, latencies, found), "lucene")
    signs = {
        line.get_marker(): line for line in figure.axes[0].lines if line.get_marker() != "None"
    }
    assert signs.keys() == {"X", "*", ">"}
    star, triangle = signs["*"], signs[">"]
    assert star.get_label() == "recommended,\nsmallest acceptable"
    assert star.get_zorder() > triangle.get_zorder()
    assert star.get_markersize() > triangle.get_markersize()
    assert triangle.get_markerfacecolor() == "none"


def test_legends_stand_close_below_each_other() -> None:
    figures = [(100.0 + each, 1000 - each, [0.5, 0.6]) for each in range(3)]
    _, sizes, latencies, found = made_up(figures, measure="nDCG@10")
    figure = _figure(make_advice(sizes, latencies, found), "lucene")
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    legends = [each for each in figure.axes[1].get_children() if isinstance(each, Legend)]
    boxes = [each.get_window_extent() for each in legends if each.get_texts()]
    gaps = [(above.y0 - below.y1) / figure.dpi for above, below in pairwise(boxes)]
    assert gaps == pytest.approx([BETWEEN] * 2, abs=0.02)


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
