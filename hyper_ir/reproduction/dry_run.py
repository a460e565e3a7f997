"""What a grid would do, what it takes, and what it lacks: printed, and nothing done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from hyper_ir.evaluation.rendering import print_tables
from hyper_ir.evaluation.tables import Cell as Text
from hyper_ir.evaluation.tables import Table
from hyper_ir.reproduction import cost
from hyper_ir.reproduction.cells import Cell
from hyper_ir.reproduction.inputs import missing_inputs
from hyper_ir.reproduction.probe import read_probe
from hyper_ir.reproduction.reproduction import Reproduction
from hyper_ir.reproduction.results import Results
from hyper_ir.reproduction.store import MODEL
from hyper_ir.training.example_set import ExampleSet
from hyper_ir.wording import counted

UNKNOWN = "?"
SAME = "the same as above"
HEADER = ["cell", "part", "goes on from", "key", "state", "steps", "tests", "takes"]


@dataclass(frozen=True)
class Outlook:
    """What is left of a cell.

    Attributes
    ----------
    state: in words.
    left: the cell as far as it is to be worked off; None where nothing is.
    """

    state: str
    left: Cell | None = None


def dry_run(work: Reproduction) -> list[str]:
    """Print the plan and what it takes; returns what is missing, damaged or cannot be written."""
    results = work.results(work.cells)
    rates = cost.rates(work.grid, work.cells, results, read_probe(work.root))
    examples = _examples(work)
    rows: list[list[Text]] = []
    left: list[Cell] = []
    alike = work.alike(work.cells)
    seen: set[str] = set()
    for cell in work.cells:
        key = results.keys.get(cell.name, UNKNOWN)
        again = alike[cell.name] in seen
        outlook = Outlook(SAME) if again else outlook_of(work, cell, key, results)
        seen.add(alike[cell.name])
        seconds = ""
        if outlook.left is not None:
            left.append(outlook.left)
            seconds = cost.in_words(cost.seconds_of(outlook.left, work.grid, rates, examples))
        start = "" if cell.start is None else cell.start.name
        words = [cell.name, cell.part, start, key[:8], outlook.state]
        numbers = [f"{cost.steps_of(cell, work.grid, examples):,}", f"{len(cell.tests)}", seconds]
        rows.append([Text(word) for word in (*words, *numbers)])
    print_tables([Table(counted(len(rows), "cell"), HEADER, rows, words=5)])
    for line in total(work, left, rates, examples):
        print(line)
    missing = missing_inputs(work.grid, work.cells)
    for line in missing:
        print(f"missing: {line}")
    try:
        work.require_output()
    except ValueError as error:
        missing.append(str(error))
        print(error)
    return [*missing, *results.damaged]


def _examples(work: Reproduction) -> int | None:
    """How many training examples there are; None where that is not to be known yet."""
    if all(cell.steps is not None for cell in work.cells):
        return None
    files = work.examples_made()
    if not files or not all(Path(path).is_file() for path in files):
        return None
    return len(ExampleSet(files))


def outlook_of(work: Reproduction, cell: Cell, key: str, results: Results) -> Outlook:
    """What is left of a cell."""
    if key == UNKNOWN:
        return Outlook(UNKNOWN, cell)
    folder, files = results.folder(cell.name), results.files(cell.name)
    if folder is None or files is None:
        return Outlook("damaged")
    left = tuple(test for test in cell.tests if not results.scores(cell.name, test))
    kept = any(name.startswith(f"{MODEL}/") for name in files)
    rest = replace(cell, tests=left, trained=cell.trained and not kept)
    if work.claims.holder(key) is not None:
        return Outlook("under work", rest)
    if not left:
        return Outlook("done")
    if (work.root / "failures" / f"{key}.json").exists():
        return Outlook("failed before", rest)
    if folder.work.is_dir():
        return Outlook("begun", rest)
    if not files:
        return Outlook("to do", rest)
    again = ", trained again" if rest.trained else ""
    return Outlook(f"{counted(len(left), 'test')} left{again}", rest)


def total(
    work: Reproduction, left: Sequence[Cell], rates: cost.Rates, examples: int | None
) -> list[str]:
    """What all that is left takes, in lines."""
    grid, reckoned = work.grid, work.grid.cost
    trained = [cell for cell in left if cell.trained]
    steps = sum(cost.steps_of(cell, grid, examples) for cell in trained)
    spent = sum(cost.seconds_of(cell, grid, rates, examples) for cell in left)
    prepared = cost.preparation_seconds(work.cells, grid, rates, cache(work.shared().has_vectors))
    if trained and work.examples_made() is None:
        prepared += cost.mining_seconds(grid, rates)
    devices = "GPU" if grid.device == "cuda" else "machine"
    lines = [
        f"{counted(len(trained), 'training run')} left, {steps:,} steps",
        f"estimate: {cost.in_words(spent)} of one {devices} for the cells, "
        f"{cost.in_words(prepared)} for what they share",
        f"estimate: {cost.disk_bytes(work.cells, grid) / cost.GIB:,.0f} GiB of disk for "
        "vectors and indexes, models besides",
    ]
    if any(cell.steps is None for cell in trained) and not (examples or reckoned.examples):
        lines.append("not counted: steps of cells that count in epochs, while nothing is mined")
    if rates.sources:
        lines.append(f"from: {'; '.join(rates.sources)}")
    if reckoned.memory:
        lines.append(f"memory: {reckoned.memory}")
    return [*lines, *(f"input: {line}" for line in reckoned.inputs)]
