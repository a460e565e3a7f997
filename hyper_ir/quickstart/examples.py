"""A few topics shown in full: the query's terms, and what each system found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hyper_ir.data.kilt_tasks import KiltRecord, read_kilt_task
from hyper_ir.data.python_docs.writing import task_file
from hyper_ir.data.runs import read_run
from hyper_ir.quickstart.plan import Plan
from hyper_ir.quickstart.settings import Settings

TASKS_SHOWN = ("summary", "parameter", "returns")
MOST_WORDS = 20
HITS_SHOWN = 3
TERMS_SHOWN = 8


@dataclass(frozen=True)
class Example:
    """One topic.

    Attributes
    ----------
    task, topic, query: what was asked.
    system: whose terms are shown.
    answers: the pages that answer it.
    own_terms: the query's own tokens with their weights, heaviest first.
    expansion_terms: tokens that the model adds, with their weights, heaviest first.
    hits: for each system the best pages, and whether each answers the query.
    """

    task: str
    topic: str
    query: str
    answers: list[str]
    own_terms: list[tuple[str, int]]
    expansion_terms: list[tuple[str, int]]
    hits: dict[str, list[tuple[str, bool]]]
    system: str


def make_examples(plan: Plan, settings: Settings, model: str) -> list[Example]:
    """The first short test topic of each kind in ``TASKS_SHOWN``: none is picked by its result."""
    chosen = [
        (task, record)
        for task in TASKS_SHOWN
        if task in plan.tasks
        and (record := _first_short(read_kilt_task(settings.docs / task_file(task, "test"))))
    ]
    terms = _terms(model, [record.input for _, record in chosen])
    runs = {
        task: {s: read_run(settings.run_file(s, task)) for s in plan.systems} for task, _ in chosen
    }
    examples: list[Example] = []
    for (task, record), (own, added) in zip(chosen, terms, strict=True):
        answers = {page for pages in record.evidence for page in pages}
        hits = {
            system: [
                (hit.doc_id, hit.doc_id in answers) for hit in run.get(record.id, [])[:HITS_SHOWN]
            ]
            for system, run in runs[task].items()
        }
        examples.append(
            Example(task, record.id, record.input, sorted(answers), own, added, hits, plan.lexical)
        )
    return examples


def _first_short(records: Iterable[KiltRecord]) -> KiltRecord | None:
    return next((record for record in records if len(record.input.split()) <= MOST_WORDS), None)


Terms = list[tuple[str, int]]


def _terms(model: str, queries: Sequence[str]) -> list[tuple[Terms, Terms]]:
    """Each query's own terms and those that the model adds."""
    from hyper_ir.encode.engine import Engine
    from hyper_ir.models.retriever import Retriever

    retriever = Retriever.from_pretrained(model)
    engine = Engine(retriever, "query")
    found: list[tuple[Terms, Terms]] = []
    for query, vector in zip(queries, engine.encode(list(queries)), strict=True):
        ids: Any = retriever.tokenizer(query)["input_ids"]
        own = {engine.tokens[each] for each in ids}
        weighted = sorted(dict(vector).items(), key=lambda term: (-term[1], term[0]))
        found.append(
            (
                [term for term in weighted if term[0] in own],
                [term for term in weighted if term[0] not in own],
            )
        )
    return found


def in_words(example: Example) -> str:
    """The example as lines for a terminal."""
    lines = [
        f"{example.task}: {json.dumps(example.query, ensure_ascii=False)}",
        f"  answered by {', '.join(example.answers)}",
    ]
    for name, terms in (("own terms", example.own_terms), ("expansion", example.expansion_terms)):
        shown = ", ".join(f"{token} {weight}" for token, weight in terms[:TERMS_SHOWN])
        lines.append(f"  {example.system}, {name}: {shown or 'none'}")
    for system, hits in example.hits.items():
        lines.append(f"  {system}:")
        lines += [
            f"    {rank}. {page}{' *' if right else ''}"
            for rank, (page, right) in enumerate(hits, start=1)
        ]
    return "\n".join(lines)


def as_json(examples: Iterable[Example]) -> list[dict[str, Any]]:
    """The examples as JSON can hold them."""
    return [asdict(example) for example in examples]
