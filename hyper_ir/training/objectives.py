"""The training objective: ranking loss, FLOPS, CPR and balance of the prompts (METHOD §5)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hyper_ir.training.balance import prompt_balance
from hyper_ir.training.contrastive import Candidates, contrastive
from hyper_ir.training.cpr import Reduction, contrastive_prompt_regularisation
from hyper_ir.training.distillation import Teaching, distillation
from hyper_ir.training.flops import flops, quadratic_ramp
from hyper_ir.training.gathering import ranks, summed
from hyper_ir.training.measures import attention_measures, vector_measures


@dataclass(frozen=True)
class ObjectiveConfig:
    """Weights and switches of the objective.

    Attributes
    ----------
    flops_query, flops_document: λ_q and λ_d; 0 leaves the term out (a dense model, frozen
        documents). The paper prints 0.3 and 0.1, these × 1000, which drive vectors to zero.
    flops_ramp: optimiser steps over which both grow quadratically to their value.
    cpr: λ_c, for a model with prompts.
    alignment, uniformity: which terms of CPR count; the other is still measured.
    cpr_reduction: ``"mean"`` over pairs, or ``"sum"`` as the paper prints it.
    balance: of :func:`~hyper_ir.training.balance.prompt_balance`, which keeps prompts from falling
        out of use; not in the paper.
    in_batch: whether the batch's other documents are negatives too.
    temperature: divides the scores. 1 is for a SPLADE model, whose scores are tens; those of a
        grafted head or of unit vectors are below 1 and need about 0.05 (on the quickstart's topics
        validation fell from .401 to .391 in 50 steps with 1, and rose to .409 with 0.05).
    """

    flops_query: float = 3e-4
    flops_document: float = 1e-4
    flops_ramp: int = 0
    cpr: float = 0.1
    alignment: bool = True
    uniformity: bool = True
    cpr_reduction: Reduction = "mean"
    balance: float = 0.0
    in_batch: bool = True
    temperature: float = 1.0

    def __post_init__(self) -> None:
        for name in ("flops_query", "flops_document", "flops_ramp", "cpr", "balance"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name}: {getattr(self, name)} is not a number from 0 on")
        if not 0 < self.temperature < float("inf"):
            raise ValueError(f"temperature: {self.temperature} is not a number above 0")
        if self.cpr_reduction not in ("mean", "sum"):
            raise ValueError(f"cpr_reduction: {self.cpr_reduction!r} is neither 'mean' nor 'sum'")


@dataclass(frozen=True)
class Loss:
    """The objective's value and what it is made of.

    Attributes
    ----------
    total: a scalar with gradient; its mean over ranks is the global batch's loss.
    terms: each term by name before its weight, without gradient.
    weighted: the same after its weight: they sum up to ``total``.
    measures: accuracy, vectors' sparsity and the prompts' attention, without gradient.
    """

    total: Tensor
    terms: dict[str, Tensor]
    weighted: dict[str, Tensor]
    measures: dict[str, Tensor]

    @property
    def shares(self) -> dict[str, Tensor]:
        """Each weighted term's part of the sum of their magnitudes, in [0, 1]."""
        return _shares(self.weighted)

    def logged(self) -> dict[str, float]:
        """All of it for a log, the mean over ranks: all ranks must call it together.

        Keys: ``loss``, ``loss/TERM``, ``weighted/TERM``, ``share/TERM``, and the measures.
        """
        weighted = _mean_over_ranks(self.weighted)
        values = {"loss": torch.stack(list(weighted.values())).sum()}
        for kind, parts in (
            ("loss", _mean_over_ranks(self.terms)),
            ("weighted", weighted),
            ("share", _shares(weighted)),
        ):
            values |= {f"{kind}/{name}": part for name, part in parts.items()}
        if self.measures:
            values |= _mean_over_ranks(self.measures)
        numbers = torch.stack([value.double() for value in values.values()]).tolist()
        return dict(zip(values, numbers, strict=True))


def objective(
    config: ObjectiveConfig,
    step: int,
    queries: Tensor,
    documents: Tensor,
    candidates: Candidates,
    attention: Tensor | None = None,
    tasks: Tensor | None = None,
    measured: bool = True,
    teaching: Teaching | None = None,
) -> Loss:
    """``L_rank + λ_q·FLOPS(queries) + λ_d·FLOPS(documents) + λ_c·(alignment + uniformity)``.

    With a teacher, its weight times the divergence from it is added, and where it is asked for the
    balance of the prompts. All ranks must call it together, each with its share of the batch.

    Parameters
    ----------
    step: optimiser steps done, for the schedule of FLOPS.
    queries: ``(queries, width)``.
    documents: ``(documents, width)``.
    candidates: see :func:`~hyper_ir.training.contrastive.contrastive`.
    attention: ``(queries, N)``, each query's attention over the prompts; None for no prompts.
    tasks: ``(queries,)``, int64, needed with ``attention``: each query's task.
    measured: whether ``Loss.measures`` is wanted, at a step that is logged.
    teaching: what a teacher makes of the batch; None for no teacher.

    Raises
    ------
    ValueError
        When shapes do not fit, or ``attention`` is given without ``tasks``.
    """
    ranking = contrastive(queries, documents, candidates, config.in_batch, config.temperature)
    terms = {"ranking": ranking.pop("ranking")}
    weights = {"ranking": 1.0}
    measures = ranking if measured else {}
    ramp = quadratic_ramp(step, config.flops_ramp)
    for side, vectors, weight in (
        ("query", queries, config.flops_query),
        ("document", documents, config.flops_document),
    ):
        if measured:
            measures |= vector_measures(side, vectors)
        if weight:
            terms[f"flops_{side}"] = flops(vectors)
            weights[f"flops_{side}"] = ramp * weight
    if teaching is not None:
        terms["distillation"] = distillation(
            queries, documents, candidates, teaching, config.in_batch, config.temperature
        )
        weights["distillation"] = teaching.weight
    if attention is not None:
        if tasks is None:
            raise ValueError("attention is given without the queries' tasks")
        if measured:
            measures |= attention_measures(attention, tasks)
        cpr = contrastive_prompt_regularisation(attention, tasks, config.cpr_reduction)
        for name, counts in (("alignment", config.alignment), ("uniformity", config.uniformity)):
            if counts and config.cpr:
                terms[name] = cpr[name]
                weights[name] = config.cpr
        if config.balance:
            terms["balance"] = prompt_balance(attention)
            weights["balance"] = config.balance
    weighted = {name: weights[name] * term for name, term in terms.items()}
    return Loss(
        total=torch.stack(list(weighted.values())).sum(),
        terms={name: term.detach() for name, term in terms.items()},
        weighted={name: term.detach() for name, term in weighted.items()},
        measures=measures,
    )


def _mean_over_ranks(values: dict[str, Tensor]) -> dict[str, Tensor]:
    mean = summed(torch.stack([value.detach().float() for value in values.values()])) / ranks()
    return dict(zip(values, mean.unbind(), strict=True))


def _shares(weighted: dict[str, Tensor]) -> dict[str, Tensor]:
    everything = torch.stack([part.abs() for part in weighted.values()]).sum()
    least = torch.finfo(everything.dtype).tiny
    return {name: part.abs() / everything.clamp(min=least) for name, part in weighted.items()}
