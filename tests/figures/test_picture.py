from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest
from matplotlib.figure import Figure

from hyper_ir.figures.picture import Picture, drawn


def some_figure(title: str = "a title") -> Figure:
    figure = Figure((3, 2), layout="constrained")
    axes = figure.subplots()
    axes.plot([1, 2], [3, 4], marker="o", label="$x_1$ <b>")
    axes.fill_between([1, 2], [2, 3], [4, 5])
    axes.set_title(title)
    axes.legend()
    return figure


def test_the_same_drawing_gives_the_same_bytes() -> None:
    first, second = (drawn("name", "alt", some_figure) for _ in range(2))
    assert first == second
    assert first.png.startswith(b"\x89PNG")
    assert b"Software" not in first.png


def test_the_svg_is_an_element_with_names_of_its_own() -> None:
    svg = drawn("one", "", some_figure).svg
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert svg.startswith("<svg")
    assert "<!--" not in svg
    assert "<metadata" not in svg
    names = re.findall(r'\bid="([^"]+)"', svg)
    assert names
    assert all(name.startswith("one-") for name in names)
    used = set(re.findall(r"(?:url\(#|href=\"#)([^\")]+)", svg))
    assert used
    assert used <= set(names)
    assert not set(names) & set(re.findall(r'\bid="([^"]+)"', drawn("two", "", some_figure).svg))


@pytest.mark.parametrize(
    "title", ["--><script>alert(1)</script>", "--!><script>", 'id="x" url(#y)', "$\\frac{", "<!--"]
)
def test_hostile_words_stay_words(title: str) -> None:
    svg = drawn("one", "", lambda: some_figure(title)).svg
    assert "<script" not in svg
    assert "-->" not in svg
    ElementTree.fromstring(svg)


@pytest.mark.parametrize("name", ["", "A", "a b", "../a", "a/b", "é", "-a"])
def test_names_are_safe_in_paths_and_pages(name: str) -> None:
    with pytest.raises(ValueError, match="small letters, digits, dashes"):
        Picture(name, "", "", b"")
