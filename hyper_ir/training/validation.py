"""Retrieval on held-out queries while training: how good the model is, task by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import ir_measures
import numpy as np
import torch
from ir_measures import Qrel, ScoredDoc
from torch import Tensor

from hyper_ir.data.examples import TrainingExample
from hyper_ir.data.records import Hit, page_of
from hyper_ir.data.runs import to_pages
from hyper_ir.encode.batching import token_batches
from hyper_ir.encode.engine import padded, tokenised
from hyper_ir.models.retriever import Retriever
from hyper_ir.training.document_store import DocumentStore
from hyper_ir.training.measures import measures_of_attention
from hyper_ir.training.model import is_lexical
from hyper_ir.training.token_store import TokenStore

DEPTH = 100
"""Passages of a ranking; their pages are scored."""

BATCH_TOKENS = 4096
"""Tokens of a batch of texts, padding counted."""


class Pool(Protocol):
    """Documents to be searched."""

    def rank(self, retriever: Retriever, queries: Tensor) -> list[list[Hit]]:
        """The best documents for each query vector, (queries, width), best first."""


@dataclass(frozen=True)
class StoredPool:
    """All documents of a store of vectors."""

    store: DocumentStore

    def rank(self, retriever: Retriever, queries: Tensor) -> list[list[Hit]]:
        """The best documents for each query vector, (queries, width), best first."""
        places, scores = self.store.top(queries.cpu(), DEPTH)
        return [
            [Hit(self.store.id(place), score) for place, score in zip(*row, strict=True)]
            for row in zip(places.tolist(), scores.tolist(), strict=True)
        ]


@dataclass(frozen=True)
class EncodedPool:
    """Documents that the model encodes at each validation; no more than a batch is kept."""

    store: TokenStore
    ids: list[str]

    def rank(self, retriever: Retriever, queries: Tensor) -> list[list[Hit]]:
        """The best documents for each query vector, (queries, width), best first."""
        tower = retriever.document
        padding = retriever.tokenizer.pad_token_id or 0
        rows = [self.store.tokens(id) for id in self.ids]
        scores = np.empty((len(queries), len(rows)), dtype=np.float32)
        for chosen in token_batches([len(row) for row in rows], BATCH_TOKENS):
            ids, mask = padded([rows[place] for place in chosen], padding)
            vectors = tower(ids.to(queries.device), mask.to(queries.device)).float()
            scores[:, chosen] = (queries @ vectors.T).cpu().numpy()
        best = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
        return [
            [Hit(self.ids[place], float(row[place])) for place in order.tolist()]
            for order, row in zip(best, scores, strict=True)
        ]


class Validation:
    """Searches a pool with held-out queries and scores the pages found.

    Parameters
    ----------
    examples: the queries, with their gold documents.
    pool: what is searched.
    measure: a name of ir-measures.

    Raises ValueError for a measure that ir-measures does not know.
    """

    def __init__(self, examples: Sequence[TrainingExample], pool: Pool, measure: str) -> None:
        self.examples = examples
        self.pool = pool
        self.measure = check_measure(measure)
        self.tasks = sorted({example.task for example in examples})
        self._qrels = [
            Qrel(_topic(example), page, 1)
            for example in examples
            for page in dict.fromkeys(map(page_of, (*example.positive_ids, *example.gold_ids)))
        ]

    @torch.inference_mode()
    def __call__(self, retriever: Retriever) -> dict[str, float]:
        """Each task's score, their mean, and measures of vectors and prompt attention.

        Keys: ``validation/mean``, ``validation/TASK``, ``validation/active_terms``,
        ``attention/…``. Training mode is left as it was.
        """
        training = retriever.training
        retriever.eval()
        try:
            vectors, attention = self._encoded(retriever)
            rankings = self.pool.rank(retriever, vectors)
        finally:
            retriever.train(training)
        values = self._scores(rankings)
        if is_lexical(retriever):
            values["validation/active_terms"] = float(vectors.count_nonzero(1).float().mean())
        if attention is not None:
            numbers = torch.tensor([self.tasks.index(each.task) for each in self.examples])
            found = measures_of_attention(attention.cpu(), numbers)
            values |= {name: float(value) for name, value in found.items()}
        return values

    def _encoded(self, retriever: Retriever) -> tuple[Tensor, Tensor | None]:
        """All queries' vectors and, with query-conditional prompts, their attention."""
        tower = retriever.query
        tokenizer = retriever.tokenizer
        device = tower.backbone.word_embeddings.device
        texts = [example.query for example in self.examples]
        rows = tokenised(tokenizer, texts, retriever.config.query_max_length)
        vectors = torch.empty(len(rows), tower.head.width, device=device)
        prompts = tower.prompts
        attention = None
        if prompts is not None and prompts.config.query_conditional:
            attention = torch.empty(len(rows), prompts.config.prompts, device=device)
        for chosen in token_batches([len(row) for row in rows], BATCH_TOKENS):
            ids, mask = padded([rows[place] for place in chosen], tokenizer.pad_token_id or 0)
            encoding = tower.encode(ids.to(device), mask.to(device))
            vectors[chosen] = encoding.vectors.float()
            if attention is not None and encoding.prompt_attention is not None:
                attention[chosen] = encoding.prompt_attention.float()
        return vectors, attention

    def _scores(self, rankings: list[list[Hit]]) -> dict[str, float]:
        run = [
            ScoredDoc(_topic(example), hit.doc_id, hit.score)
            for example, hits in zip(self.examples, rankings, strict=True)
            for hit in to_pages(hits)
        ]
        totals = dict.fromkeys(self.tasks, 0.0)
        for metric in ir_measures.iter_calc([self.measure], self._qrels, run):
            totals[metric.query_id.partition(" ")[0]] += metric.value
        sizes = {task: sum(each.task == task for each in self.examples) for task in self.tasks}
        scores = {f"validation/{task}": totals[task] / sizes[task] for task in self.tasks}
        return {"validation/mean": sum(scores.values()) / len(scores), **scores}


def check_measure(name: str) -> ir_measures.Measure:
    """The measure of ir-measures that the name says; ValueError where it knows none."""
    try:
        return ir_measures.parse_measure(name)
    except (NameError, ValueError, SyntaxError) as error:
        raise ValueError(f"validation.measure: {name!r} is none of ir-measures") from error


def _topic(example: TrainingExample) -> str:
    return f"{example.task} {example.id}"  # neither can hold white space
