from __future__ import annotations

from itertools import combinations

import matplotlib
import numpy as np

from hyper_ir.figures.style import COLOURS, MARKERS, brief, house_style, look

# Machado et al. 2009, full deficiency, on linear RGB.
DEFICIENCIES = {
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def test_colours_stay_apart_for_colour_blind_eyes() -> None:
    for matrix in [np.eye(3), *map(np.array, DEFICIENCIES.values())]:
        seen = [np.clip(matrix @ linear(colour), 0, 1) ** (1 / 2.2) for colour in COLOURS]
        for first, second in combinations(seen, 2):
            assert np.linalg.norm(first - second) > 0.1


def test_a_place_has_one_look_and_many_places_differ() -> None:
    pairs = {look(place)[:2] for place in range(len(COLOURS) * len(MARKERS))}
    assert len(pairs) == len(COLOURS) * len(MARKERS)
    assert look(3) == look(3)
    assert look(0).dash != look(len(COLOURS)).dash


def test_the_users_settings_neither_matter_nor_change() -> None:
    before = matplotlib.rcParams["font.size"]
    with matplotlib.rc_context({"font.size": 33, "text.parse_math": True}):
        with house_style("x"):
            assert matplotlib.rcParams["font.size"] == 10
            assert not matplotlib.rcParams["text.parse_math"]
            assert matplotlib.rcParams["svg.hashsalt"] == "x"
        assert matplotlib.rcParams["font.size"] == 33
    assert matplotlib.rcParams["font.size"] == before


def test_names_are_cut_and_printable() -> None:
    assert brief("nq") == "nq"
    assert brief("a" * 30) == "a" * 23 + "…"
    assert brief("a\x1b\u202eb") == "a??b"
