"""Small good files of every kind, which fuzzing starts from."""

from __future__ import annotations

import functools
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

BEHIND = b"\x1c\x1d\x1e"
"""Stands between the files of an input that is several."""

HIDDEN, LAYERS = 4, 2
"""Of the model that the prompts are for."""


def _lines(*records: Any) -> bytes:
    lines = (each if isinstance(each, str) else json.dumps(each) for each in records)
    return "".join(line + "\n" for line in lines).encode()


PAGES = (
    _lines(
        {
            "_id": "12",
            "wikipedia_id": "12",
            "wikipedia_title": "A page",
            "text": [
                "A page\n",
                "Some words stand here.",
                "Section::::Name",
                "BULLET::::- an item",
            ],
        },
        {"_id": "13", "wikipedia_id": "13", "wikipedia_title": "B", "text": ["B"]},
    ),
    json.dumps([{"wikipedia_id": 7, "wikipedia_title": "T", "text": ["T", "x y"]}]).encode(),
)

CORPORA = (
    _lines({"id": "1", "contents": "a title\nand a text"}, {"id": 2, "contents": "b"}),
    _lines({"_id": "1", "title": "t", "text": "a", "metadata": {}}, {"_id": "é#1", "text": "b"}),
    b"1\ta text\n2\tanother\n",
    b"id\ttext\ttitle\n1\ta text\ta title\n2\tb\tc\n",
    json.dumps([{"id": "1", "contents": "x"}, {"id": "2", "contents": ""}], indent=1).encode(),
    *PAGES,
)

KILT_TASKS = (
    _lines(
        {
            "id": "q1",
            "input": "who [START_ENT] wrote [END_ENT] it",
            "output": [
                {
                    "answer": "A page",
                    "provenance": [
                        {
                            "wikipedia_id": "12",
                            "title": "A page",
                            "start_paragraph_id": 1,
                            "end_paragraph_id": 2,
                        }
                    ],
                },
                {"answer": "somebody"},
            ],
            "meta": {},
        },
        {"id": "q2", "input": "and this", "output": [{"provenance": [{"wikipedia_id": 7}]}]},
        {"id": "q3", "input": "a test query"},
    ),
)

TOPICS = (
    b"1\twhat is it\n2\tand this\twith a tab\n",
    _lines({"_id": "1", "text": "what is it"}, {"qid": "2", "query": "and this"}),
    json.dumps({"1": {"title": "what"}, "2": {"title": "this"}}, indent=1).encode(),
    *KILT_TASKS,
)

QRELS = (
    b"1 0 d1 1\n1 0 d2 0\n2 1 PAGE#3 2\n",
    b"query-id\tcorpus-id\tscore\n1\td1\t1\n2\td2\t0\n",
    *KILT_TASKS,
)

BEIR = (
    BEHIND.join(
        [
            _lines({"_id": "d1", "title": "t", "text": "a"}, {"_id": "d2", "text": "b"}),
            _lines({"_id": "1", "text": "what"}, {"_id": "2", "text": "this"}),
            b"query-id\tcorpus-id\tscore\n1\td1\t1\n2\td2\t1\n",
        ]
    ),
)

RUNS = (
    b"1 Q0 d1 1 12.5 tag\n1 Q0 d2 2 11.000000 tag\n2 Q0 PAGE#3 1 1e2 tag\n",
    b"1\tQ0\td1\t1\t-1\ttag\r\n\r\n2 Q0 d1 0 .5 tag\n",
)

VECTORS = (
    _lines(
        {"id": "1", "contents": "a", "vector": {"a": 1, "##b": 255}},
        {"id": 2, "contents": "", "vector": {"[empty-document]": 1}},
        {"id": "PAGE#3", "contents": "c", "vector": {"中": 2147483647}},
    ),
)

DENSE = (
    _lines(
        {"id": "1", "contents": "a", "vector": [0.5, -1, 2e-3]},
        {"id": "2", "contents": "b", "vector": [1, 2, 3]},
    ),
)

ENCODED = (b"1\ta a b\n2\tc\n", _lines({"qid": "1", "vector": {"a": 2}}), *VECTORS)

EXAMPLES = (
    _lines(
        {
            "id": "q7",
            "query": "who wrote it",
            "task": "nq",
            "positive_ids": ["12#3"],
            "negative_ids": ["4#1", "5#0"],
            "gold_ids": ["12#4"],
        },
        {"id": "q8", "query": "b", "task": "fever", "positive_ids": [1], "negative_ids": []},
    ),
)

MANIFESTS = (
    json.dumps(
        {
            "kind": "vectors",
            "model": {"name": "m", "sha256": "ab"},
            "vocabulary": "cd",
            "quantiser": {"factor": 100.0, "top_k": None},
            "config": {"max_length": 256},
            "inputs": {"corpus": {"source": "c", "files": ["a"]}},
            "counts": {"documents": 3, "terms": 9},
            "hyper_ir": "0.1.0",
            "format": 1,
        }
    ).encode(),
)

RECIPES = (
    b"model: a\noutput: b\ndata: {examples: [x.jsonl], corpus: y, tasks: [nq, fever]}\n"
    b"prompts:\n  preset: paper\n  length: 7\n  temperature: 2.5\nbatch: {size: 8, caps: {nq: 5}}\n"
    b"objective: {temperature: 1.0}\noptimiser: {backbone_rate: 2.0e-5, max_steps: null}\n"
    b"freeze: document\nseed: 7\n",
    b"model: a\noutput: b\ndata:\n  examples:\n    - x\n  vectors: v\nprompts: null\n"
    b"freeze: document\nvalidation: {measure: nDCG@10}\n",
)

GRIDS = (
    b"output: o\ndata:\n  corpus: c\n  tasks: [nq, fever]\n  train: t/{task}.jsonl\n"
    b"  dev: d/{task}.jsonl\n  zero_shot: {nf: beir/nf}\nsplade:\n  model: m\n"
    b"  recipe: mini-kilt\n  settings: {batch.size: 4}\nseeds: [1, 2]\nsteps: 9\n"
    b"sweep: {prompts: [2, 5], cpr: [0.1]}\ncost: {tflops: 1.5, inputs: [one, two]}\n",
    b"output: o\ndata: {corpus: c, tasks: [nq], train: '{task}', dev: '{task}'}\nparts: [bm25]\n",
)

RETRIEVERS = (
    json.dumps(
        {
            "head": "lexical",
            "shared": True,
            "lexical_pooling": "max",
            "activation": "relu",
            "dense_pooling": "cls",
            "normalise": False,
            "query_max_length": 256,
            "document_max_length": 256,
            "prompts": False,
            "name": "m",
            "format": 1,
        }
    ).encode(),
)

FOLDERS = (
    json.dumps({"architectures": ["BertForMaskedLM"], "model_type": "bert"}).encode(),
    BEHIND.join(
        json.dumps(part).encode()
        for part in (
            {"architectures": ["BertModel"]},
            [
                {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
                {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            ],
            {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True},
            {"max_seq_length": 128},
        )
    ),
    BEHIND.join(
        json.dumps(part).encode()
        for part in (
            {"architectures": ["BertForMaskedLM"]},
            [
                {"path": "", "type": "sentence_transformers.sparse_encoder.models.MLMTransformer"},
                {"path": "1_Pooling", "type": "sentence_transformers.models.SpladePooling"},
            ],
            {"pooling_strategy": "max", "activation_function": "relu"},
        )
    ),
)

SPEEDS = (
    _lines(
        {
            "system": "HypeR",
            "query_terms": 8,
            "document_terms": None,
            "queries_per_second": 100.5,
            "score": 0.4,
        }
    ),
)

SWEEPS = (
    _lines({"system": "HypeR", "setting": "N", "value": 5, "seed": 42, "score": 0.4}),
    b"system\tsetting\tvalue\tseed\tscore\nHypeR\tN\t5\t42\t0.4\n",
)


def _prompt_config() -> Any:
    from hyper_ir.models.prompt_config import PromptConfig

    return PromptConfig(prompts=2, length=3, query_hidden=5, prefix_hidden=2)


PROMPTS = (json.dumps(asdict(_prompt_config())).encode(),)


@functools.cache
def compact() -> tuple[bytes, ...]:
    """A compact.json, behind it its compact.safetensors: codes, rows of a base, plain weights."""
    import torch
    from safetensors.torch import save

    from hyper_ir.models.compact_file import MEAN, ROW_SCALES, SCALES
    from hyper_ir.models.quantisation import quantise

    table, rows = torch.arange(12.0).view(4, 3), torch.tensor([2, 0])
    codes = quantise(table, 4, 3)
    stored = {
        "table": codes.packed,
        "table" + SCALES: codes.scales,
        "rows": rows,
        "taken" + ROW_SCALES: torch.ones(2),
        "taken" + MEAN: torch.zeros(3),
        "plain": torch.ones(2, 3, dtype=torch.float16),
    }
    tensors = {
        "table": {"shape": [4, 3], "bits": 4, "group": 3},
        "rows": {"shape": [2], "kind": "int64", "bits": 32},
        "taken": {"shape": [2, 3], "base": "table", "rows": "rows"},
        "plain": {"shape": [2, 3], "bits": 16, "base": "taken"},
    }
    layout = json.dumps({"format": 1, "sha256": "", "tensors": tensors}).encode()
    return (layout + BEHIND + save(stored),)


@functools.cache
def prompt_weights() -> tuple[bytes, ...]:
    """A prompts.safetensors with its prompts.json behind it."""
    from safetensors.torch import save

    from hyper_ir.models.prompts import PromptSynthesiser

    prompts = PromptSynthesiser(_prompt_config(), HIDDEN, LAYERS)
    return (save(dict(prompts.state_dict())) + BEHIND + PROMPTS[0],)


@functools.cache
def checkpoint() -> Path:
    """A tiny BERT's folder, which lives as long as the process."""
    from tests.tiny_models import save_checkpoint

    place = tempfile.TemporaryDirectory(prefix="hyper_ir-fuzz-model-")
    _KEPT.append(place)
    return save_checkpoint(Path(place.name) / "model")


_KEPT: list[tempfile.TemporaryDirectory[str]] = []


def model_settings() -> tuple[bytes, ...]:
    """Its config.json."""
    return ((checkpoint() / "config.json").read_bytes(),)


def tokenizers() -> tuple[bytes, ...]:
    """Its tokenizer.json."""
    return ((checkpoint() / "tokenizer.json").read_bytes(),)


def tokenizer_settings() -> tuple[bytes, ...]:
    """Its tokenizer_config.json."""
    return ((checkpoint() / "tokenizer_config.json").read_bytes(),)
