"""The retriever with its objective as one module: what Trainer, DDP and autocast wrap."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from hyper_ir.models.heads import LexicalHead
from hyper_ir.models.retriever import Retriever
from hyper_ir.training.chunks import encode_in_chunks
from hyper_ir.training.contrastive import Candidates
from hyper_ir.training.documents import stored_vectors
from hyper_ir.training.objectives import Loss, ObjectiveConfig, objective
from hyper_ir.training.teacher import Teacher


class TrainingModel(nn.Module):
    """A retriever that computes its loss of a batch.

    Parameters
    ----------
    retriever: parameters that need no gradient are frozen; a module all of whose parameters are
        frozen computes without dropout.
    config: the objective; FLOPS terms are left out where a side is dense or frozen.
    chunk_tokens, grad_cache: see :func:`~hyper_ir.training.chunks.encode_in_chunks`.
    teacher: what the retriever also learns from; it is no part of the module and stays as it is.

    Attributes
    ----------
    last: the loss of the last batch with its terms.
    """

    def __init__(
        self,
        retriever: Retriever,
        config: ObjectiveConfig,
        chunk_tokens: int | None = None,
        grad_cache: bool = False,
        teacher: Teacher | None = None,
    ) -> None:
        super().__init__()
        self.teacher = teacher
        self.retriever = retriever
        self.settings = config
        self.chunk_tokens = chunk_tokens
        self.grad_cache = grad_cache
        self.last: Loss | None = None
        frozen = not any(p.requires_grad for p in retriever.document.parameters())
        # Sparsity is no measure of dense vectors, nor of documents that stay as they are.
        self._unjudged: tuple[str, ...] = ("document",) if frozen else ()
        if not is_lexical(retriever):
            self._unjudged = ("query", "document")

    def train(self, mode: bool = True) -> TrainingModel:
        """Switch training on or off; what is frozen stays off."""
        super().train(mode)
        if mode:
            query, document = self.retriever.query, self.retriever.document
            for part in (document.backbone, document.head, query.backbone, query.head):
                if not any(parameter.requires_grad for parameter in part.parameters()):
                    part.eval()
        return self

    def forward(
        self,
        step: int,
        query_ids: Tensor,
        query_mask: Tensor,
        tasks: Tensor,
        document_numbers: Tensor,
        page_numbers: Tensor,
        owners: Tensor,
        positives: Tensor,
        gold: Tensor,
        measured: bool = False,
        **documents: Tensor,
    ) -> dict[str, Any]:
        """The batch's loss, ``{"loss": scalar}``; arguments are the collator's.

        ``measured`` computes the measures of ``last`` as well.
        """
        taught = {} if self.teacher is None else self.teacher.inputs_among(documents)
        queries = encode_in_chunks(
            self.retriever.query, query_ids, query_mask, self.chunk_tokens, self.grad_cache
        )
        prompts = self.retriever.query.prompts
        learns = prompts is not None and prompts.config.query_conditional
        loss = objective(
            self.settings,
            int(step),
            queries.vectors,
            documents_of(self.retriever, self.chunk_tokens, self.grad_cache, **documents),
            Candidates(document_numbers, owners, positives, gold, page_numbers),
            queries.prompt_attention if learns else None,
            tasks,
            measured,
            None if self.teacher is None else self.teacher.teaching(**taught),
        )
        for side in self._unjudged:
            for name in ("active_terms", "active_share"):
                loss.measures.pop(f"{side}/{name}", None)
        self.last = loss
        return {"loss": loss.total}


def documents_of(
    retriever: Retriever,
    chunk_tokens: int | None = None,
    grad_cache: bool = False,
    document_ids: Tensor | None = None,
    document_mask: Tensor | None = None,
    document_vectors: Tensor | None = None,
    document_starts: Tensor | None = None,
    document_components: Tensor | None = None,
    document_weights: Tensor | None = None,
) -> Tensor:
    """The vectors of a batch's documents, (documents, width), encoded or as they are given."""
    tower = retriever.document
    if document_ids is not None and document_mask is not None:
        return encode_in_chunks(
            tower, document_ids, document_mask, chunk_tokens, grad_cache
        ).vectors
    return stored_vectors(
        tower.head.width, document_vectors, document_starts, document_components, document_weights
    )


def is_lexical(retriever: Retriever) -> bool:
    """Whether its vectors are sparse, over the vocabulary."""
    return isinstance(retriever.document.head, LexicalHead)
