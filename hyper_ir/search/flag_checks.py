"""Flags of the search verb that would do nothing, exclude each other, or overwrite input."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from hyper_ir.files import require_writable
from hyper_ir.search.model_flags import MODEL_FLAGS

BM25_FLAGS = {"k1", "b", "language", "pretokenized"}
PRUNING_FLAGS = {"query_terms", "top_k", "latency_budget"}
JUDGING_FLAGS = {"qrels", "measure"}
IMPACT_FLAGS = {
    "encoder",
    "min_idf",
    "idf_power",
    "engine",
    "uri",
    *MODEL_FLAGS,
    *PRUNING_FLAGS,
    *JUDGING_FLAGS,
}


def check_flags(arguments: argparse.Namespace, flags: set[str]) -> None:
    """Raise ValueError for flags that would do nothing, exclude each other, or overwrite input."""
    _check_report(arguments)
    if "sample" in flags and not flags & {"latency", "latency_budget", "qrels"}:
        raise ValueError("--sample is for --latency, --latency-budget or --qrels")
    if not arguments.impact:
        _refuse(flags & IMPACT_FLAGS, "--impact; BM25 searches the texts of the topics, by Lucene")
        return
    _refuse(flags & BM25_FLAGS, "--bm25")
    if arguments.engine != "milvus":
        _refuse(flags & {"uri"}, "--engine milvus")
    elif arguments.uri is None:
        raise ValueError("--engine milvus needs --uri: milvus.db, or http://HOST:PORT")
    if len(pruning := flags & PRUNING_FLAGS) > 1:
        names = " and ".join(_flag(name) for name in sorted(pruning))
        raise ValueError(f"{names} each say how many terms a topic keeps; give one of them")
    if not pruning:
        what = "what is pruned, by --query-terms or --latency-budget"
        _refuse(flags & JUDGING_FLAGS, what)
    elif "measure" in flags and "qrels" not in flags:
        raise ValueError("--measure is for --qrels")
    if arguments.encoder is None:
        _refuse(flags & MODEL_FLAGS, "--encoder MODEL; without one the topics are encoded already")
    elif os.path.isfile(arguments.encoder):
        _refuse(flags & MODEL_FLAGS, f"a model; the vectors of {arguments.encoder} are as they are")


def _refuse(flags: set[str], what: str) -> None:
    if flags:
        names = " and ".join(_flag(name) for name in sorted(flags))
        raise ValueError(f"{names} {'is' if len(flags) == 1 else 'are'} for {what}")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _check_report(arguments: argparse.Namespace) -> None:
    if arguments.report is None:
        return
    path = require_writable(arguments.report, "report")
    for name in ("output", "topics", "index", "encoder", "qrels"):
        given = getattr(arguments, name)
        others = given if isinstance(given, list) else [given]
        if any(each is not None and path.resolve() == Path(each).resolve() for each in others):
            raise ValueError(f"report: {path} is the --{name}")
