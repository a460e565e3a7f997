"""KILT's retrieval measures for ir_measures: KILTRprec, KILTP@k, KILTR@k, KILTSuccess@k.

Importing this module registers the four names with ir_measures: from then on its functions take
the measures, and ``ir_measures.parse_measure`` knows their names. ir_measures has no plug-ins, so
its command line learns them through ``python -m hyper_ir.evaluation``.

The iteration column of the qrels numbers the evidence sets of a query: judgments with the same
iteration and a grade of at least 1 are needed jointly, different iterations are alternatives. A
page that stands in several sets is judged once in each.

As everywhere in ir_measures, the score decides the ranking and ties are broken as trec_eval does
(the greater document id first); KILT itself reads a list without scores. Where no judged id
holds a ``#``, ids of the form ``PAGE#N`` in a run are passages and collapse to the best-ranked
of their page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import ir_measures
from ir_measures.measures import ParamInfo

from hyper_ir.data.records import page_of

if TYPE_CHECKING:
    import pandas as pd

Sets = list[frozenset[str]]

RUN_INPUTS = ["query_id", "doc_id", "score"]
QREL_INPUTS = ["query_id", "doc_id", "relevance", "iteration"]


def r_precision(ranking: Sequence[str], evidence: Sequence[frozenset[str]]) -> float:
    """R-precision of distinct pages, best first: the maximum over the evidence sets.

    For a set of R pages it is the share of the set among the R best of the ranking. Raises
    ValueError where there is no evidence.
    """
    if not evidence:
        raise ValueError("R-precision needs at least one evidence set")
    return max(len(pages.intersection(ranking[: len(pages)])) / len(pages) for pages in evidence)


def evidence_ranking(ranking: Sequence[str], evidence: Sequence[frozenset[str]]) -> list[bool]:
    """KILT's ranking of evidence sets, over which its precision, recall and success count.

    A set takes one place in all, that of its worst-ranked page in the whole ranking, and is
    right (True) when all its pages were found; sets that end at the same page follow in the
    order of ``evidence``. A page of no set takes one place and is wrong.
    """
    places = {page: place for place, page in enumerate(ranking)}
    ends: dict[str, list[bool]] = {page: [] for pages in evidence for page in pages}
    for pages in evidence:
        found = pages & places.keys()
        if found:
            ends[max(found, key=places.__getitem__)].append(found == pages)
    return [right for page in ranking for right in ends.get(page, [False])]


class _EvidenceMeasure(ir_measures.Measure):  # type: ignore[misc]
    """What the measures over ``evidence_ranking`` share; ir_measures' runtime provider runs them.

    ``ir_measures.define`` would cut the run itself at k, but these measures cut the ranking of
    evidence sets, which depends on what stands below k.
    """

    SUPPORTED_PARAMS = {  # noqa: RUF012 (the base class declares it so)
        "cutoff": ParamInfo(dtype=int, required=True, desc="places of the ranking that count")
    }
    RUN_INPUTS = RUN_INPUTS
    QREL_INPUTS = QREL_INPUTS

    def value(self, right: list[bool], sets: int) -> float:
        """The value for one query: its first k places, and its number of evidence sets."""
        raise NotImplementedError

    def runtime_impl(self, qrels: pd.DataFrame, run: pd.DataFrame) -> Iterator[Any]:
        """Yield a Metric for every judged query that has results."""
        cutoff = self.params["cutoff"]
        for query_id, ranking, evidence in _queries(qrels, run):
            right = evidence_ranking(ranking, evidence)[:cutoff]
            yield ir_measures.Metric(query_id, self, self.value(right, len(evidence)))


class _KILTP(_EvidenceMeasure):
    """Precision at k: complete evidence sets among the first k places, divided by k."""

    NAME = __name__ = "KILTP"
    PRETTY_NAME = "KILT precision at k"
    SHORT_DESC = "The share of complete evidence sets among the first k places."

    def value(self, right: list[bool], sets: int) -> float:
        return sum(right) / int(self.params["cutoff"])


class _KILTR(_EvidenceMeasure):
    """Recall at k: the share of the query's evidence sets that are complete within k places."""

    NAME = __name__ = "KILTR"
    PRETTY_NAME = "KILT recall at k"
    SHORT_DESC = "The share of evidence sets that are complete within the first k places."

    def value(self, right: list[bool], sets: int) -> float:
        return sum(right) / sets


class _KILTSuccess(_EvidenceMeasure):
    """Success rate at k: 1 where an evidence set is complete within k places, else 0."""

    NAME = __name__ = "KILTSuccess"
    PRETTY_NAME = "KILT success rate at k"
    SHORT_DESC = "Whether an evidence set is complete within the first k places."

    def value(self, right: list[bool], sets: int) -> float:
        return float(any(right))


def _kilt_r_precision(qrels: pd.DataFrame, run: pd.DataFrame) -> Iterator[tuple[str, float]]:
    for query_id, ranking, evidence in _queries(qrels, run):
        yield query_id, r_precision(ranking, evidence)


def _queries(qrels: pd.DataFrame, run: pd.DataFrame) -> Iterator[tuple[str, list[str], Sets]]:
    """Yield the id, the ranking and the evidence sets of every query that has both."""
    evidence = _evidence(qrels)
    passages = not any(
        "#" in page for sets in evidence.values() for pages in sets for page in pages
    )
    scored: dict[str, list[tuple[float, str]]] = {}
    columns = (run[name].tolist() for name in RUN_INPUTS)
    for query_id, doc_id, score in zip(*columns, strict=True):
        scored.setdefault(query_id, []).append((score, doc_id))
    for query_id, hits in scored.items():
        if query_id in evidence:
            hits.sort(reverse=True)
            pages = (page_of(doc_id) if passages else doc_id for _, doc_id in hits)
            yield query_id, list(dict.fromkeys(pages)), evidence[query_id]


def _evidence(qrels: pd.DataFrame) -> dict[str, Sets]:
    """The different evidence sets of every query, in the order of their numbers."""
    sets: dict[str, dict[str, set[str]]] = {}
    columns = (qrels[name].tolist() for name in QREL_INPUTS)
    for query_id, doc_id, grade, iteration in zip(*columns, strict=True):
        if grade >= 1:
            of_query = sets.setdefault(query_id, {})
            of_query.setdefault(str(iteration), set()).add(doc_id)
    return {
        query_id: list(
            dict.fromkeys(frozenset(of_query[key]) for key in sorted(of_query, key=_number))
        )
        for query_id, of_query in sets.items()
    }


def _number(iteration: str) -> tuple[int, str]:
    """Sorts 2 before 10, and words by length and alphabet."""
    return len(iteration), iteration


KILTRprec = ir_measures.define(
    _kilt_r_precision,
    name="KILTRprec",
    support_cutoff=False,
    run_inputs=RUN_INPUTS,
    qrel_inputs=QREL_INPUTS,
    pretty_name="KILT R-precision",
    short_desc="The maximum over evidence sets of the share of the set's R pages in the top R.",
)
KILTP = _KILTP()
KILTR = _KILTR()
KILTSuccess = _KILTSuccess()

MEASURES = (KILTRprec, KILTP, KILTR, KILTSuccess)


def register() -> None:
    """Make the measures' names known to ``ir_measures.parse_measure``; again is harmless."""
    for measure in MEASURES:
        if measure.NAME not in ir_measures.measures.registry:
            ir_measures.measures.register(measure, name=measure.NAME)


register()
