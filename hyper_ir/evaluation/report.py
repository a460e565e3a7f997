"""Scores for machines: one JSON object for the figures, a file for the values by query."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hyper_ir.evaluation.comparison import Comparison
from hyper_ir.evaluation.scores import FRAME_COLUMNS, Scores
from hyper_ir.files import atomic_text
from hyper_ir.version import __version__

FORMAT = 1

PER_QUERY_ENDINGS = (".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz")


def as_json(
    scores: Scores, comparisons: Sequence[Comparison] = (), settings: dict[str, Any] | None = None
) -> dict[str, Any]:
    """All figures as one object that JSON can hold.

    ``tasks`` holds, by task and run, the values by measure, the number of topics, of judged
    topics without results, and of topics left out as unjudged; ``average`` the mean over tasks;
    ``comparisons`` the paired tests, one object each.
    """
    tasks = {
        task: {
            run: {
                "values": each.overall,
                "topics": len(next(iter(each.values.values()))),
                "topics_without_results": each.without_results,
                "unjudged_topics": each.unjudged,
                "judged_documents_found": each.judged_found,
            }
            for run, each in runs.items()
        }
        for task, runs in scores.by_task.items()
    }
    average = {
        run: {measure: scores.average(run, measure) for measure in scores.measures}
        for run in scores.runs
    }
    return {
        "format": FORMAT,
        "hyper_ir": __version__,
        "settings": settings or {},
        "measures": scores.measures,
        "tasks": tasks,
        "average": average,
        "comparisons": [_flat(each) for each in comparisons],
    }


def _flat(comparison: Comparison) -> dict[str, Any]:
    value = asdict(comparison)
    test = value.pop("test")
    return {**value, **test}


def notes(scores: Scores) -> list[str]:
    """In words, what the reader of the figures should know: a line for each run and task."""
    lines = []
    for task, runs in scores.by_task.items():
        for run, each in runs.items():
            topics = len(next(iter(each.values.values())))
            parts = []
            if each.without_results:
                absent = f"{each.without_results:,} of {topics:,}"
                parts.append(f"judged topics without results, counted 0: {absent}")
            if each.unjudged:
                parts.append(f"topics without judgments, left out: {each.unjudged:,}")
            if not each.judged_found:
                parts.append(
                    "no judged document is among the results; are the ids of one kind? "
                    "(passages PAGE#N against pages: --pages)"
                )
            if parts:
                lines.append(f"{task}, {run}: {'; '.join(parts)}")
    return lines


def require_per_query_ending(path: str | os.PathLike[str]) -> None:
    """Raise ValueError unless the name tells one of the formats of ``write_per_query``."""
    if not os.fspath(path).endswith(PER_QUERY_ENDINGS):
        endings = ", ".join(PER_QUERY_ENDINGS)
        raise ValueError(f"per-query file {path}: the name must end in one of {endings}")


def write_per_query(path: str | os.PathLike[str], scores: Scores) -> None:
    """Write task, run, measure, topic and value of every judged topic, one a line.

    As TSV with a header, or JSON Lines, by the file's name. Values have all their digits.
    Raises ValueError for another name.
    """
    require_per_query_ending(path)
    json_lines = ".jsonl" in Path(path).suffixes
    with atomic_text(path) as handle:
        if not json_lines:
            handle.write("\t".join(FRAME_COLUMNS) + "\n")
        for row in scores.frame().itertuples(index=False, name=None):
            if json_lines:
                record = dict(zip(FRAME_COLUMNS, row, strict=True))
                handle.write(json.dumps(record, ensure_ascii=False) + "\n")
            else:
                handle.write("\t".join(map(str, row)) + "\n")
