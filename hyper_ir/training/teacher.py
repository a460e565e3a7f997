"""A teacher: a finished retriever that says how alike a batch's queries and documents are."""

from __future__ import annotations

import torch
from torch import Tensor

from hyper_ir.models.retriever import Retriever
from hyper_ir.training.batches import TEACHER
from hyper_ir.training.chunks import encode_in_chunks
from hyper_ir.training.distillation import Teaching
from hyper_ir.training.documents import stored_vectors
from hyper_ir.training.word_match import Matching, WordMatch


class Teacher:
    """A frozen retriever; no module, so that nobody trains, saves or synchronises it.

    Parameters
    ----------
    retriever: it is switched to evaluation, without gradients.
    weight, temperature: see :class:`~hyper_ir.training.distillation.Teaching`.
    chunk_tokens: queries are encoded in chunks of at most so many tokens; None for all at once.
    match, bm25: the documents' words, and what a query's best match of them adds to its score.
    """

    def __init__(
        self,
        retriever: Retriever,
        weight: float,
        temperature: float,
        chunk_tokens: int | None = None,
        match: WordMatch | None = None,
        bm25: float = 0.0,
    ) -> None:
        self.retriever = retriever.eval().requires_grad_(False)
        self.weight = weight
        self.temperature = temperature
        self.chunk_tokens = chunk_tokens
        self.match = match
        self.bm25 = bm25

    @staticmethod
    def inputs_among(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Take the teacher's tensors out of a batch's, under their names without the prefix."""
        names = [name for name in tensors if name.startswith(TEACHER)]
        return {name.removeprefix(TEACHER): tensors.pop(name) for name in names}

    @torch.no_grad()
    def teaching(
        self,
        query_ids: Tensor | None = None,
        query_mask: Tensor | None = None,
        query_vectors: Tensor | None = None,
        query_words: Tensor | None = None,
        **documents: Tensor,
    ) -> Teaching:
        """What the teacher makes of a batch; arguments are the collator's."""
        queries = query_vectors
        if queries is None:
            assert query_ids is not None
            assert query_mask is not None
            tower = self.retriever.query
            queries = encode_in_chunks(tower, query_ids, query_mask, self.chunk_tokens).vectors
        width = self.retriever.document.head.width
        vectors = stored_vectors(width, **documents)
        matching = None
        if self.match is not None and query_words is not None:
            matching = Matching(self.match, query_words, self.bm25)
        return Teaching(queries, vectors, self.temperature, self.weight, matching)
