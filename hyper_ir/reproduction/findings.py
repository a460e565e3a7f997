"""What the tables say about the paper's claims, as figures that can be looked up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hyper_ir.evaluation.inputs import AVERAGE
from hyper_ir.reproduction.comparing import Compared
from hyper_ir.reproduction.grid import Grid
from hyper_ir.reproduction.results import Results
from hyper_ir.reproduction.runner import ATTENTION
from hyper_ir.reproduction.store import TRAINING
from hyper_ir.reproduction.systems import BM25, HYPER, MULTITASK, PREFIX, ZERO, title_of
from hyper_ir.reproduction.tables import Filled


def findings(
    grid: Grid,
    tables: Mapping[str, Filled],
    results: Results,
    names: Sequence[str],
    prepared: Mapping[str, float],
) -> dict[str, Any]:
    """The figures behind the claims; what no finished cell tells is left out.

    ``names``: of all cells of the plan; ``prepared``: the seconds of what they share.
    """
    found: dict[str, Any] = {}
    for number, side in enumerate(grid.sides if "table1" in tables else ()):
        title = title_of(side, HYPER)
        for system in (BM25, MULTITASK, PREFIX):
            other = f"multi-task {title_of('' if system is BM25 else side, system)}"
            named = f"{title if number else HYPER.title} over {system.title}"
            add(found, named, _over(tables["table1"], f"multi-task {title}", other))
    if grid.sides and "table2" in tables:
        side = grid.sides[0]
        hyper = f"{title_of(side, HYPER)}, the backbone frozen"
        for title in (BM25.title, title_of(side, ZERO), title_of(side, PREFIX)):
            add(found, f"frozen HypeR over {title}", _over(tables["table2"], hyper, title))
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(results.keys.get(name, name), name)
    for name in first.values():
        attention = results.object(name, ATTENTION)
        if attention:
            kept = {key: value for key, value in attention.items() if key != "means"}
            within = max(attention.get("jsd_within", 0.0), 1e-12)
            kept["between_over_within"] = attention.get("jsd_between", 0.0) / within
            found.setdefault("attention", {})[name] = kept
    times = {name: _seconds(results, name) for name in names}
    found["seconds"] = {name: each for name, each in times.items() if each}
    found["seconds_of_preparation"] = dict(prepared)
    found["seconds_of_all_cells"] = round(sum(_by_key(results, times).values()), 1)
    return found


def add(found: dict[str, Any], name: str, value: dict[str, Any]) -> None:
    """Note what is there."""
    if value:
        found[name] = value


def _over(table: Filled, row: str, other: str) -> dict[str, Any]:
    """On how many tests a row's figure is above another's, and by how much on the average."""
    mine, theirs = table.figures.get(row, {}), table.figures.get(other, {})
    tests = [test for test in table.layout.tests if test in mine and test in theirs]
    if not tests:
        return {}
    above = [test for test in tests if mine[test].mean > theirs[test].mean]
    value: dict[str, Any] = {"above": len(above), "of": len(tests), "on": above}
    test = _comparison(table.comparisons, other, AVERAGE)
    if test is not None and test.reference == row:
        value |= {
            "average_difference": test.test.difference,
            "effect_size": test.test.effect_size,
            "t_p": test.test.t_p,
            "t_p_holm": test.t_p_holm,
            "randomisation_p_holm": test.randomisation_p_holm,
        }
    return value


def _comparison(comparisons: Sequence[Compared], row: str, column: str) -> Compared | None:
    of_row = (each for each in comparisons if (each.row, each.column) == (row, column))
    return next(of_row, None)


def _seconds(results: Results, name: str) -> dict[str, float]:
    """What a cell took, by what it did."""
    folder = results.folder(name)
    if folder is None or not folder.path.is_dir():
        return {}
    spent: dict[str, float] = {}
    training = results.object(name, TRAINING)
    if training:
        spent["train"] = float(training["seconds"])
    for file in sorted((folder.path / "scores").glob("*.json")):
        scores = results.object(name, f"scores/{Path(file).name}")
        for part, seconds in scores.get("seconds", {}).items():
            spent[part] = spent.get(part, 0.0) + float(seconds)
    return {part: round(seconds, 1) for part, seconds in spent.items()}


def _by_key(results: Results, times: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Cells of several names count once."""
    return {results.keys.get(name, name): sum(spent.values()) for name, spent in times.items()}


def in_words(found: Mapping[str, Any]) -> list[str]:
    """The findings as lines."""
    lines = []
    for name, value in found.items():
        if isinstance(value, dict) and "above" in value:
            line = f"{name}: above on {value['above']} of {value['of']}"
            if "average_difference" in value:
                line += (
                    f", average {value['average_difference']:+.4f} "
                    f"(p = {value['t_p_holm']:.2g}, Holm-corrected)"
                )
            lines.append(line)
    for name, value in found.get("attention", {}).items():
        lines.append(
            f"{name}: JSD between tasks {value.get('jsd_between', 0):.3f}, within "
            f"{value.get('jsd_within', 0):.3f} ({value['between_over_within']:.1f} times), "
            f"{value['unused']} of {value['prompts']} prompts unused"
        )
    return lines
