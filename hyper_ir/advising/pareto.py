"""The Pareto front: points that no other point is better than in every respect."""

from __future__ import annotations

from collections.abc import Sequence

Point = Sequence[float]


def pareto_front(points: Sequence[Point]) -> list[bool]:
    """For each point, whether it is on the front; every coordinate is the better the greater.

    A point is off the front where another is at least as good in all coordinates and better in
    one; equal points stand or fall together. Raises ValueError for points of different lengths
    and for coordinates that are no number.
    """
    if len({len(point) for point in points}) > 1:
        raise ValueError("Pareto front: the points have different numbers of coordinates")
    if any(value != value for point in points for value in point):
        raise ValueError("Pareto front: a coordinate is not a number")
    # Best first: whatever dominates a point stands before it, and is on the front or behind one
    # that is.
    order = sorted(range(len(points)), key=lambda place: tuple(points[place]), reverse=True)
    on_front = [False] * len(points)
    front: list[tuple[float, ...]] = []
    for place in order:
        point = tuple(points[place])
        if not any(_dominates(other, point) for other in front):
            on_front[place] = True
            front.append(point)
    return on_front


def _dominates(other: Point, point: Point) -> bool:
    return tuple(other) != tuple(point) and all(a >= b for a, b in zip(other, point, strict=True))
