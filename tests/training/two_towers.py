"""A toy retriever with prompts' attention, and batches for it, for tests of the objective."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from hyper_ir.training.contrastive import NO_DOCUMENT, Candidates
from hyper_ir.training.objectives import Loss, ObjectiveConfig, objective

QUERIES, PER_QUERY, FEATURES, WIDTH, PROMPTS = 6, 3, 5, 12, 4

CONFIG = ObjectiveConfig(flops_query=0.03, flops_document=0.02, cpr=0.5, flops_ramp=20)


class TwoTowers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.query = nn.Linear(FEATURES, WIDTH)
        self.document = nn.Linear(FEATURES, WIDTH)
        self.prompts = nn.Linear(FEATURES, PROMPTS)
        self.double()

    def forward(self, queries: Tensor, documents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return (
            torch.log1p(torch.relu(self.query(queries))),
            torch.log1p(torch.relu(self.document(documents))),
            self.prompts(queries).softmax(1),
        )


def batch(step: int) -> tuple[Tensor, Tensor, Candidates, Tensor]:
    """Queries, documents (PER_QUERY a query, the first its positive), candidates, tasks."""
    torch.manual_seed(step)
    count = QUERIES * PER_QUERY
    candidates = Candidates(
        documents=torch.randint(0, 12, (count,)),
        owners=torch.arange(count) // PER_QUERY,
        positives=torch.arange(QUERIES) * PER_QUERY,
        gold=torch.randint(NO_DOCUMENT, 12, (QUERIES, 2)),
    )
    features = torch.randn(QUERIES + count, FEATURES, dtype=torch.float64)
    return features[:QUERIES], features[QUERIES:], candidates, torch.arange(QUERIES) % 2


def loss_of(
    model: TwoTowers, step: int, config: ObjectiveConfig, first: int = 0, end: int = QUERIES
) -> Loss:
    """The objective on queries first … end − 1 of the step's global batch and their documents."""
    queries, documents, candidates, tasks = batch(step)
    own = slice(first * PER_QUERY, end * PER_QUERY)
    share = replace(
        candidates,
        documents=candidates.documents[own],
        owners=candidates.owners[own] - first,
        positives=candidates.positives[first:end] - first * PER_QUERY,
        gold=candidates.gold[first:end],
    )
    vectors = model(queries[first:end], documents[own])
    return objective(config, step, vectors[0], vectors[1], share, vectors[2], tasks[first:end])
