"""Labels beside points, where there is room: none covers another, or a point."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

_PLACES = (
    (6, 4, "left", "bottom"),
    (6, -4, "left", "top"),
    (-6, 4, "right", "bottom"),
    (-6, -4, "right", "top"),
    (0, 8, "center", "bottom"),
    (0, -8, "center", "top"),
)
_POINT = 4.0


def place_labels(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    lines: Sequence[Sequence[tuple[float, float]]] = (),
) -> int:
    """Write each point's text beside it, and return how many found no room and were left out.

    Points and texts go together; an empty text asks for none, but its point is not covered.
    ``lines`` are polylines that are not covered either. Call it last: the axes' limits and the
    figure's layout must be what they will be.
    """
    figure = axes.figure
    assert isinstance(figure, Figure)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    frame = axes.get_window_extent(renderer)
    pixel = figure.dpi / 72
    centres: Any = axes.transData.transform(points) if points else []
    reach = _POINT * pixel
    taken = [Bbox.from_extents(x - reach, y - reach, x + reach, y + reach) for x, y in centres]
    strokes = [box for line in lines for box in _along(axes.transData.transform(line), pixel)]
    left_out = 0
    for number, (point, text) in enumerate(zip(points, texts, strict=True)):
        if not text:
            continue
        for right, up, horizontal, vertical in _PLACES:
            label = axes.annotate(
                text,
                point,
                (right, up),
                textcoords="offset points",
                ha=horizontal,
                va=vertical,
                fontsize=8,
            )
            box = label.get_window_extent(renderer)
            others = strokes + [each for place, each in enumerate(taken) if place != number]
            if _inside(box, frame) and not any(box.overlaps(each) for each in others):
                taken.append(box)
                break
            label.remove()
        else:
            left_out += 1
    return left_out


def _along(corners: Any, width: float) -> list[Bbox]:
    """Small boxes that cover a polyline, both in pixels."""
    boxes = []
    for (x0, y0), (x1, y1) in pairwise(corners):
        steps = int(max(abs(x1 - x0), abs(y1 - y0)) // (2 * width)) + 1
        for step in range(steps + 1):
            x, y = x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps
            boxes.append(Bbox.from_extents(x - width, y - width, x + width, y + width))
    return boxes


def _inside(box: Bbox, frame: Bbox) -> bool:
    across = frame.x0 <= box.x0 and box.x1 <= frame.x1
    return bool(across and frame.y0 <= box.y0 and box.y1 <= frame.y1)
