"""The command-line arguments that the encoding verbs share, named as Pyserini names them."""

from __future__ import annotations

import argparse
from typing import Any

from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.impacts import Quantiser
from hyper_ir.models.retriever import Retriever

ENCODER_CLASSES = ("auto", "splade", "dpr", "dense")


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """The model, where it runs, and how its weights become impacts."""
    parser.add_argument(
        "--encoder",
        required=True,
        metavar="MODEL",
        help="folder (or hub name) of a hyper_ir retriever, a masked-LM checkpoint (taken as "
        "SPLADE-max), a sentence-transformers SparseEncoder or dense model, or a DPR encoder",
    )
    parser.add_argument(
        "--encoder-class",
        choices=ENCODER_CLASSES,
        default="auto",
        help="auto: what the folder is; splade: lexical vectors; dpr or dense: one dense vector",
    )
    parser.add_argument(
        "--pooling", choices=["cls", "mean"], help="of a dense encoder, where its folder is silent"
    )
    parser.add_argument("--l2-norm", action="store_true", help="scale dense vectors to length 1")
    parser.add_argument("--batch-size", type=int, default=64, help="texts in a batch")
    parser.add_argument(
        "--max-length", type=int, help="tokens a text is cut to (default: the model's)"
    )
    parser.add_argument(
        "--device", default="auto", help="cpu, cuda, cuda:0, …; auto takes a GPU where there is one"
    )
    parser.add_argument(
        "--mode",
        choices=["exact", "fast"],
        default="exact",
        help="exact: float32, the impacts of the plain computation; fast: the transformer in "
        "bfloat16 where the machine has it, a few units off",
    )
    parser.add_argument("--fp16", action="store_true", help="fast, in float16, on a GPU")
    parser.add_argument("--top-k", type=int, help="keep only the heaviest K terms of a vector")
    parser.add_argument(
        "--quantization-factor",
        type=float,
        default=100.0,
        help="impact = round(weight x factor); Pyserini's own SPLADE encoder has 51.2",
    )


def dense_notice(arguments: argparse.Namespace, engine: Engine) -> str:
    """What a user should know who may not have meant dense vectors; empty where all is clear."""
    if engine.sparse or arguments.encoder_class != "auto":
        return ""
    pooling, width = engine.retriever.config.dense_pooling, engine.tower.head.width
    return (
        f"{arguments.encoder} has no lexical (masked-LM) head: it makes dense vectors ({pooling} "
        f"pooling, width {width}), which index --impact does not take; python -m "
        "hyper_ir.encode.graft gives it a lexical head; --encoder-class dense means dense vectors"
    )


def engine_of(arguments: argparse.Namespace, side: str, factor: float | None = None) -> Engine:
    """Load the model that the arguments name and make one side of it ready.

    ``factor`` stands in for ``--quantization-factor`` where given.
    """
    settings = EngineConfig(
        arguments.batch_size, arguments.max_length, arguments.device, arguments.fp16, arguments.mode
    )
    quantiser = Quantiser(factor or arguments.quantization_factor, arguments.top_k)
    head: Any = {"splade": "lexical", "dpr": "dense", "dense": "dense"}.get(arguments.encoder_class)
    retriever = Retriever.from_pretrained(
        arguments.encoder,
        head=head,
        dense_pooling=arguments.pooling,
        normalise=True if arguments.l2_norm else None,
    )
    return Engine(retriever, side, settings, quantiser)
