"""A retriever as sentence-transformers writes its SparseEncoder, for those who use that.

The folder is that of sentence-transformers 6: the checkpoint and tokenizer in its root, a
Transformer module that returns the masked-LM head's logits, and a SpladePooling module. That
library is not needed to write it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hyper_ir.files import atomic_directory, write_json
from hyper_ir.manifest import write_manifest
from hyper_ir.models.checkpoint import MODEL_MARKS
from hyper_ir.models.config import RetrieverConfig
from hyper_ir.models.heads import LexicalHead
from hyper_ir.models.retriever import Retriever
from hyper_ir.models.towers import save_tower
from hyper_ir.outputs import require_own

POOLING = "1_SpladePooling"

MODULES = [
    {
        "idx": 0,
        "name": "0",
        "path": "",
        "type": "sentence_transformers.base.modules.transformer.Transformer",
    },
    {
        "idx": 1,
        "name": "1",
        "path": POOLING,
        "type": "sentence_transformers.sparse_encoder.modules.splade_pooling.SpladePooling",
    },
]

MODEL = {
    "model_type": "SparseEncoder",
    "prompts": {"query": "", "document": ""},
    "default_prompt_name": None,
    "similarity_fn_name": "dot",
}


def save_sentence_transformers(
    retriever: Retriever,
    folder: str | os.PathLike[str],
    overwrite: bool = False,
    name: str | None = None,
) -> None:
    """Write a folder that ``sentence_transformers.SparseEncoder`` loads, atomically.

    Its ``encode`` cuts texts at the document's length, ``encode_query`` at the query's. What it
    gives are the weights, without pruning and quantisation. :meth:`Retriever.from_pretrained`
    reads the folder too. ``name`` is what messages call the retriever, for example its folder; a
    trained retriever's own name is that of the model it was trained from.

    Raises ValueError, before anything is written, when the retriever is more than such a folder
    can hold, or the folder exists and ``overwrite`` is false.
    """
    obstacle = _obstacle(retriever)
    if obstacle is not None:
        name = name or retriever.called
        raise ValueError(f"{name} cannot be a sentence-transformers SparseEncoder: {obstacle}")
    config = retriever.config
    require_own(Path(folder), MODEL_MARKS, "a model")
    with atomic_directory(folder, replace=overwrite) as partial:
        save_tower(retriever.document, partial)
        retriever.tokenizer.save_pretrained(partial)
        write_json(partial / "modules.json", MODULES)
        write_json(partial / "config_sentence_transformers.json", MODEL)
        write_json(partial / "sentence_bert_config.json", _transformer(config))
        _write_pooling(partial / POOLING, config, retriever.document.head.width)
        write_manifest(partial, retriever.manifest())


def _obstacle(retriever: Retriever) -> str | None:
    """Why the retriever is more than a SparseEncoder's folder can hold; None where it is not."""
    tower = retriever.document
    if not isinstance(tower.head, LexicalHead):
        return "its vectors are dense"
    if retriever.query.prompts is not None:
        return "its queries get a prefix of prompts, which that library does not know"
    if not retriever.config.shared:
        return "queries and documents have towers of their own"
    if not tower.backbone.has_decoder:
        return "its head is grafted, not the model's own masked-LM head"
    return None


def _transformer(config: RetrieverConfig) -> dict[str, Any]:
    return {
        "transformer_task": "fill-mask",
        "modality_config": {"text": {"method": "forward", "method_output_name": "logits"}},
        "module_output_name": "token_embeddings",
        "max_seq_length": config.document_max_length,
        "query_length": config.query_max_length,
        "document_length": config.document_max_length,
    }


def _write_pooling(folder: Path, config: RetrieverConfig, width: int) -> None:
    folder.mkdir()
    settings = {
        "pooling_strategy": config.lexical_pooling,
        "activation_function": config.activation,
        "embedding_dimension": width,
    }
    write_json(folder / "config.json", settings)
