"""How every figure looks: colours that colour-blind readers tell apart, with a sign for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import matplotlib

COLOURS = (
    "#0072B2",  # blue
    "#D55E00",  # vermilion
    "#009E73",  # green
    "#CC79A7",  # purple
    "#E69F00",  # orange
    "#56B4E9",  # sky blue
    "#000000",  # black
)
"""Okabe and Ito's palette without its yellow, which white paper swallows."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "*")
"""As many as share no divisor with the colours: 63 pairs before one comes again."""

DASHES = ("-", "--", "-.", ":")

SEQUENTIAL = "cividis"
"""From dark to light alike for colour-blind and other eyes, and on grey paper."""

INK = "#1a1a1a"
FAINT = "#d9d9d9"

_SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 160,
    "svg.fonttype": "path",
    # A dollar in a task's name is a dollar.
    "text.parse_math": False,
    "axes.formatter.use_mathtext": False,
}


class Look(NamedTuple):
    """What tells one of several lines or clouds of points from the others."""

    colour: str
    marker: str
    dash: str


def look(place: int) -> Look:
    """The look of the series at this place (from 0), always the same."""
    return Look(
        COLOURS[place % len(COLOURS)],
        MARKERS[place % len(MARKERS)],
        DASHES[(place // len(COLOURS)) % len(DASHES)],
    )


@contextmanager
def house_style(salt: str) -> Iterator[None]:
    """Matplotlib as this project sets it, whatever the user's own settings are.

    ``salt`` goes into the names inside an SVG, which are random otherwise.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        settings: Any = {**_SETTINGS, "svg.hashsalt": salt}
        matplotlib.rcParams.update(settings)
        yield


def brief(name: str, most: int = 24) -> str:
    """A name for a label: printable, and cut with an ellipsis after ``most`` characters."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in name)
    return shown if len(shown) <= most else shown[: most - 1] + "…"
