"""A figure drawn: as SVG for the screen, as PNG for elsewhere, the same bytes every time."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from hyper_ir.figures.style import house_style

_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_REFERENCE = re.compile(r'(\bid="|href="#|url\(#)')
_NAME = re.compile(r"[a-z][a-z0-9-]*")

_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


@dataclass(frozen=True)
class Picture:
    """One figure.

    Attributes
    ----------
    name: its files' name, without ending.
    alt: what it shows, in words, for those who do not see it.
    svg: the ``<svg>`` element alone, with names of its own: several can stand in one page.
    png: the same in 160 dots an inch.
    """

    name: str
    alt: str
    svg: str
    png: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"picture {self.name!r}: names are of small letters, digits, dashes")


def drawn(name: str, alt: str, draw: Callable[[], Figure]) -> Picture:
    """Draw a figure in the project's style.

    ``draw`` makes a :class:`matplotlib.figure.Figure` of its own, without pyplot. ``name`` is of
    small letters, digits and dashes, else ValueError: it goes into file names and the SVG.
    """
    with house_style(name):
        figure = draw()
        svg, png = io.StringIO(), io.BytesIO()
        figure.savefig(svg, format="svg", bbox_inches="tight", metadata=_NO_METADATA)
        figure.savefig(png, format="png", bbox_inches="tight", metadata={"Software": None})
    return Picture(name, alt, _element(svg.getvalue(), name), png.getvalue())


def _element(document: str, name: str) -> str:
    """The document's ``<svg>`` without prolog and comments, every id with ``name`` before it."""
    bare = _COMMENT.sub("", document[document.index("<svg") :])
    return _REFERENCE.sub(rf"\g<1>{name}-", bare).strip() + "\n"
