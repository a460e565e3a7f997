"""Queries' attention over the prompts: it follows from word embeddings, without the transformer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from hyper_ir.encode.batching import token_batches
from hyper_ir.encode.engine import CPU_TOKENS, padded, tokenised
from hyper_ir.models.prompts import PromptSynthesiser
from hyper_ir.models.retriever import Retriever

BATCH = 256


@torch.inference_mode()
def prompt_attention(
    retriever: Retriever, texts: Sequence[str], max_length: int | None = None
) -> np.ndarray:
    """α of each query, ``(queries, N)`` float32, computed where the query tower is.

    Parameters
    ----------
    max_length: queries are cut after so many tokens; None takes the model's own setting.

    Raises
    ------
    ValueError
        For a model without prompts or with static ones, and for a text that has no token.
    """
    prompts = require_conditional_prompts(retriever)
    length = max_length or retriever.config.query_max_length
    rows = tokenised(retriever.tokenizer, texts, length)
    for text, row in zip(texts, rows, strict=True):
        if not row:
            raise ValueError(f"the query {text!r} has no token")
    table = retriever.query.backbone.word_embeddings
    padding = retriever.tokenizer.pad_token_id or 0
    shares = np.empty((len(rows), prompts.config.prompts), dtype=np.float32)
    for places in token_batches([len(row) for row in rows], 8 * CPU_TOKENS, BATCH):
        ids, mask = padded([rows[place] for place in places], padding)
        ids, mask = ids.to(table.device), mask.to(table.device)
        embeddings = torch.nn.functional.embedding(ids, table)
        shares[places] = prompts.prompt_attention(embeddings, mask).float().cpu().numpy()
    return shares


def require_conditional_prompts(retriever: Retriever) -> PromptSynthesiser:
    """The query tower's prompts; ValueError where there are none, or static ones."""
    prompts = retriever.query.prompts
    name = retriever.called
    if prompts is None:
        raise ValueError(f"{name}: it has no prompts, so no prompt attention")
    if not prompts.config.query_conditional:
        raise ValueError(
            f"{name}: its prompts are static, so all queries have one and the same attention"
        )
    return prompts
