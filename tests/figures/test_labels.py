from __future__ import annotations

from itertools import combinations

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from hyper_ir.figures.labels import place_labels
from hyper_ir.figures.style import house_style


def axes_with(points: list[tuple[float, float]]) -> Axes:
    axes = Figure((4, 3)).subplots()
    axes.plot(*zip(*points, strict=True), "o")
    return axes


def boxes(axes: Axes) -> dict[str, Bbox]:
    figure = axes.figure
    assert isinstance(figure, Figure)
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    labels = [each for each in axes.get_children() if isinstance(each, Annotation)]
    return {each.get_text(): each.get_window_extent(renderer) for each in labels}


def test_labels_cover_neither_each_other_nor_points() -> None:
    points = [(x / 5, (x * 7 % 11) / 11) for x in range(12)]
    with house_style("x"):
        axes = axes_with(points)
        left_out = place_labels(axes, points, [f"label {place}" for place in range(12)])
        placed = boxes(axes)
        assert len(placed) == 12 - left_out
        assert len(placed) > 6
        assert not any(first.overlaps(second) for first, second in combinations(placed.values(), 2))
        for x, y in axes.transData.transform(points):
            assert not any(box.contains(x, y) for box in placed.values())


def test_points_on_one_spot_get_as_many_labels_as_there_is_room_for() -> None:
    with house_style("x"):
        axes = axes_with([(0.5, 0.5)] * 20)
        left_out = place_labels(axes, [(0.5, 0.5)] * 20, [f"a long label {n}" for n in range(20)])
        placed = list(boxes(axes).values())
        assert left_out == 20 - len(placed)
        assert not any(first.overlaps(second) for first, second in combinations(placed, 2))


def test_lines_are_not_covered() -> None:
    with house_style("x"):
        axes = axes_with([(0, 0), (1, 1)])
        line = [(0.0, 0.0), (1.0, 1.0)]
        place_labels(axes, [(0.5, 0.5)], ["a label"], [line])
        (box,) = boxes(axes).values()
        for step in range(101):
            x, y = axes.transData.transform((step / 100, step / 100))
            assert not box.contains(x, y)


def test_no_text_no_label_and_lengths_must_fit() -> None:
    with house_style("x"):
        axes = axes_with([(0, 0), (1, 1)])
        assert place_labels(axes, [(0, 0)], [""]) == 0
        assert place_labels(axes, [], []) == 0
        assert not boxes(axes)
        with pytest.raises(ValueError, match="shorter"):
            place_labels(axes, [(0, 0), (1, 1)], ["a"])
