"""How long a step takes on this machine: a few steps of each kind of cell, timed."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hyper_ir.files import write_json
from hyper_ir.reproduction.cells import Cell, changed
from hyper_ir.reproduction.cost import kind_of
from hyper_ir.reproduction.prepared import Prepared
from hyper_ir.reproduction.store import CellFolder
from hyper_ir.reproduction.training import lend_documents, resolved
from hyper_ir.training.run import train

FILE = "probe.json"
FEW, MORE = 2, 6
"""Steps of two runs: what they differ by is steps alone, without loading and saving."""


def probe(cells: Sequence[Cell], prepared: Prepared, root: Path) -> dict[str, float]:
    """Seconds of a step of each kind of cell, which are also written to ``probe.json``."""
    firsts: dict[str, Cell] = {}
    for cell in cells:
        if cell.trained and cell.start is None:
            firsts.setdefault(kind_of(cell), cell)
    found = {kind: _seconds(cell, prepared, root / "probe") for kind, cell in firsts.items()}
    write_json(root / FILE, {**read_probe(root), **found})
    return found


def read_probe(root: Path) -> Mapping[str, float]:
    """What was measured before; empty where nothing was."""
    try:
        value = json.loads((root / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(kind): float(seconds) for kind, seconds in value.items()}


def _seconds(cell: Cell, prepared: Prepared, place: Path) -> float:
    times = []
    for steps in (FEW, MORE):
        shutil.rmtree(place, ignore_errors=True)
        folder = CellFolder(place, "cell")
        folder.work.mkdir(parents=True)
        recipe = changed(resolved(cell, folder, prepared, None), {"optimiser.max_steps": steps})
        lend_documents(recipe, prepared, cell.side)
        start = time.perf_counter()
        train(recipe)
        times.append(time.perf_counter() - start)
    shutil.rmtree(place, ignore_errors=True)
    return max(times[1] - times[0], 1e-3) / (MORE - FEW)
