"""Measures by name: ir_measures' own, KILT's, and trec_eval's names for them."""

from __future__ import annotations

import contextlib
import difflib
import io
import re
from collections.abc import Iterable
from typing import Any

import ir_measures

from hyper_ir.evaluation import kilt

Measure = Any  # ir_measures.Measure, whose package has no types

DEFAULT = ("nDCG@10", "R@100")


def parse_measures(names: Iterable[str]) -> list[Measure]:
    """The measures of these names, each once, in the order given.

    Names are ir_measures' (``nDCG@10``, ``RR(rel=2)@10``, ``KILTRprec``) or trec_eval's
    (``ndcg_cut_10``, ``recall.100``, ``map``); one string may hold several between blanks.
    Raises ValueError for a name that is not known, a parameter that is missing or wrong, a
    measure that no installed library computes, and where no name is left.
    """
    kilt.register()
    measures: dict[str, Measure] = {}
    for name in (word for each in names for word in each.split()):
        measure = _parse(name)
        measures.setdefault(str(measure), measure)
    if not measures:
        raise ValueError(f"measures: none given; for example {' '.join(DEFAULT)}")
    return list(measures.values())


def _parse(name: str) -> Measure:
    try:
        measure = ir_measures.parse_measure(name)
        _check(measure)
    except (NameError, ValueError, AssertionError, KeyError, TypeError) as error:
        measure = _parse_trec(name)
        if measure is None:
            raise ValueError(f"measure {name!r}: {_complaint(name, error)}") from error
    return measure


def _parse_trec(name: str) -> Measure | None:
    """The measure that trec_eval calls so; None where it is unknown or means several."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints which of a set it leaves out
            parsed: list[Measure] = ir_measures.parse_trec_measure(name)
        for measure in parsed:
            _check(measure)
    except (ValueError, AssertionError):
        return None
    return parsed[0] if len(parsed) == 1 else None


def _check(measure: Measure) -> None:
    """Raises AssertionError for bad parameters (so does ir_measures), else ValueError."""
    supported = ir_measures.DefaultPipeline.supports(measure)
    if measure.params.get("cutoff", 1) < 1:
        raise ValueError("the cutoff must be at least 1")
    if not supported:
        raise ValueError("no installed library computes it with these parameters")


def _complaint(name: str, error: Exception) -> str:
    text = str(error)
    if isinstance(error, NameError):
        return f"not known to ir_measures{_hint(name)}"
    if "problem parsing" in text:
        return "not of the form Measure@cutoff or Measure(name=value, …)@cutoff"
    if missing := re.search(r"invalid param (\w+)=<object", text):
        return f"needs its {missing[1]}, after an @ or as ({missing[1]}=…)"
    return text


def _hint(name: str) -> str:
    """The names nearest to it, for the message."""
    known = {each.lower(): each for each in ir_measures.measures.registry}
    word = name.partition("@")[0].partition("(")[0].lower()
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    return f"; is {' or '.join(known[each] for each in near)} meant?" if near else ""
