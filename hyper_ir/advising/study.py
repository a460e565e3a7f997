"""The whole advice: topics, indexes, cells, speed; and what is written of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hyper_ir.advising.advice import Advice, make_advice
from hyper_ir.advising.cells import Cells
from hyper_ir.advising.commands import commands
from hyper_ir.advising.grid import Grid
from hyper_ir.advising.indexes import Indexes
from hyper_ir.advising.inputs import Checked
from hyper_ir.advising.plot import draw
from hyper_ir.advising.records import Records
from hyper_ir.advising.tables import lines, table
from hyper_ir.advising.topics import dev_topics
from hyper_ir.evaluation.rendering import markdown
from hyper_ir.files import atomic_text, write_json
from hyper_ir.locking import sole_writer
from hyper_ir.manifest import Manifest, write_manifest
from hyper_ir.problems import Problems
from hyper_ir.version import __version__

FORMAT = 1
SCRATCH = "scratch"


@dataclass
class Study:
    """One grid over one dev set, in one folder; what was done there before is not done again.

    Parameters
    ----------
    checked: the inputs.
    grid: the settings.
    folder: holds ``advice.json``, ``advice.md``, ``advice.svg`` and ``advice.png``; the runs; the
        topics' vectors; ``records``; and ``scratch``, the indexes.
    tolerance: as in :class:`hyper_ir.advising.advice.Advice`.
    problems: told of bad records.
    tell: is given a line for each step.
    """

    checked: Checked
    grid: Grid
    folder: Path
    tolerance: float | None = None
    problems: Problems = field(default_factory=Problems)
    tell: Callable[[str], None] = lambda line: None

    def __post_init__(self) -> None:
        if self.tolerance is not None and not 0 <= self.tolerance < float("inf"):
            raise ValueError(f"tolerance: {self.tolerance:g} is not a number of at least 0")
        self.records = Records(self.folder / "records")
        self.indexes = Indexes(
            self.checked, self.folder / SCRATCH, self.records, self.problems, self.tell
        )

    def run(self, progress: bool = True) -> Advice:
        """Do what is not done yet, write the results, and return them.

        Raises ValueError where another process is at work in the folder.
        """
        with sole_writer(self.folder / "advice.json"):
            self.indexes.tidy()
            return self._run(progress)

    def _run(self, progress: bool) -> Advice:
        topics, encoding = dev_topics(
            self.checked, self.folder, self.records, self.problems, progress
        )
        sizes = {each: self.indexes.size(each.index) for each in self.grid.settings}
        cells = Cells(
            self.checked, self.grid, self.indexes, topics, self.folder / "runs", self.records
        )
        found = cells.found(progress)
        latencies = cells.latencies(progress)
        advice = make_advice(sizes, latencies, found, self.tolerance, encoding)
        self._write(advice)
        return advice

    def commands(self, advice: Advice) -> list[str]:
        """How to get the recommended setting."""
        return commands(self.checked, advice.recommended.setting)

    def _write(self, advice: Advice) -> None:
        write_json(self.folder / "advice.json", self._as_json(advice))
        with atomic_text(self.folder / "advice.md") as handle:
            handle.write(markdown([table(advice)]))
            handle.write("\n" + "".join(f"- {line}\n" for line in lines(advice)))
            handle.write("\n```\n" + "".join(f"{line}\n" for line in self.commands(advice)))
            handle.write("```\n")
        draw(advice, self.folder / "advice", self.checked.engine)
        write_manifest(self.folder, self._manifest(advice))

    def _as_json(self, advice: Advice) -> dict[str, Any]:
        encoding = asdict(advice.encoding) if advice.encoding is not None else None
        return {
            "format": FORMAT,
            "hyper_ir": __version__,
            "inputs": asdict(self.checked.inputs),
            "engine": self.checked.engine,
            "topics": advice.topics,
            "measures": advice.measures,
            "encoding": encoding,
            "cells": [cell.as_json() for cell in advice.cells],
            "rule": advice.rule(),
            "tolerance": advice.tolerance,
            "smallest": advice.smallest.setting.name,
            "fastest": advice.fastest.setting.name,
            "recommended": advice.recommended.setting.name,
            "commands": self.commands(advice),
        }

    def _manifest(self, advice: Advice) -> Manifest:
        origin = self.checked.manifest or Manifest("vectors")
        inputs = self.checked.inputs
        return Manifest(
            "advice",
            model=origin.model,
            vocabulary=origin.vocabulary,
            quantiser=origin.quantiser,
            config={"engine": self.checked.engine, "depth": asdict(inputs.depth)},
            inputs={"vectors": inputs.vectors, "topics": inputs.topics, "qrels": inputs.qrels},
            counts={
                "documents": advice.unpruned.size.documents,
                "topics": advice.topics,
                "settings": len(advice.cells),
                "skipped": self.problems.count,
            },
        )
