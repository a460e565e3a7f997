"""The commands that make and search an index at a setting."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote
from typing import Any

from hyper_ir.advising.grid import Setting
from hyper_ir.advising.inputs import Checked


def commands(checked: Checked, setting: Setting) -> list[str]:
    """Three command lines: encode, index, search.

    What nobody has told stands in capitals: the corpus and the model of vectors without manifest.
    """
    name = setting.index.name
    vectors, index = f"vectors/{name}", f"indexes/{name}"
    return [
        _encode(checked, setting, vectors),
        _line("hyper_ir.index", ["--impact", "--input", vectors, "--index", index, "--optimize"]),
        _search(checked, setting, index),
    ]


def _encode(checked: Checked, setting: Setting, vectors: str) -> str:
    manifest = checked.manifest
    corpus: Any = manifest.inputs.get("corpus", {}) if manifest is not None else {}
    config: dict[str, Any] = manifest.config if manifest is not None else {}
    source = corpus.get("source", "CORPUS") if isinstance(corpus, dict) else "CORPUS"
    words = ["input", "--corpus", str(source), "output", "--embeddings", vectors]
    words += ["encoder", "--encoder", checked.inputs.encoder or "MODEL"]
    if config.get("encoded_fields"):
        words += ["--fields", *config["encoded_fields"]]
    words += ["--add-sep"] if config.get("add_sep") else []
    if config.get("max_length"):
        words += ["--max-length", str(config["max_length"])]
    words += ["--quantization-factor", f"{setting.index.factor:g}"]
    if setting.index.top_k is not None:
        words += ["--top-k", str(setting.index.top_k)]
    return _line("hyper_ir.encode", words)


def _search(checked: Checked, setting: Setting, index: str) -> str:
    inputs = checked.inputs
    words = ["--impact", "--index", index, "--topics", inputs.topics]
    if inputs.encoder is not None:
        words += ["--encoder", inputs.encoder]
        if inputs.settings.max_length is not None:
            words += ["--max-length", str(inputs.settings.max_length)]
        if inputs.settings.quantization_factor != 100:
            words += ["--quantization-factor", f"{inputs.settings.quantization_factor:g}"]
    words += ["--output", f"runs/{setting.name}.trec", "--hits", str(inputs.depth.hits)]
    if setting.query_terms is not None:
        words += ["--query-terms", str(setting.query_terms)]
    if inputs.depth.pages is not None:
        words += ["--max-passage", "--max-passage-hits", str(inputs.depth.pages)]
    words += ["--remove-query"] if inputs.depth.without_query else []
    words += ["--min-idf", f"{inputs.min_idf:g}"] if inputs.min_idf else []
    return _line("hyper_ir.search", words)


def _line(module: str, words: Sequence[str]) -> str:
    return " ".join(["python -m", module, *map(quote, words)])
