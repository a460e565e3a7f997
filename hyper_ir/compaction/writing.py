"""A retriever's folder in few bytes, and how large each part of it is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from hyper_ir.compaction.coding import Coded, code
from hyper_ir.compaction.precision import Precision
from hyper_ir.files import atomic_directory, bytes_within, write_json
from hyper_ir.manifest import write_manifest
from hyper_ir.models.card import Compaction, Part
from hyper_ir.models.checkpoint import MODEL_MARKS, RETRIEVER_FILE
from hyper_ir.models.compact_file import Coding, Stored, write_compact
from hyper_ir.models.compact_towers import save_settings
from hyper_ir.models.integrity import DIGESTS, TOKENIZER, digests_of
from hyper_ir.models.quantisation import BITS
from hyper_ir.models.retriever import Retriever
from hyper_ir.outputs import require_own

REST = "tokenizer, settings"


@dataclass(frozen=True)
class Compacted:
    """What came of it.

    Attributes
    ----------
    retriever: the compact model, as loading gives it.
    compaction: its parts' sizes and errors.
    """

    retriever: Retriever
    compaction: Compaction


def save_compact(
    retriever: Retriever,
    folder: str | os.PathLike[str],
    precision: Precision | None = None,
    name: str | None = None,
    overwrite: bool = False,
    most_bytes: int | None = None,
) -> Compacted:
    """Write a retriever's compact folder, atomically; what is written is loaded once to check it.

    Parameters
    ----------
    name: what the model is called from now on; by default the folder's name.
    most_bytes: the folder may not be larger.

    Raises ValueError when the folder exists and ``overwrite`` is false, when it would be larger
    than allowed, or for a model that cannot be stored so; nothing is written then.
    """
    folder, precision = Path(folder), precision or Precision()
    require_own(folder, MODEL_MARKS, "a model")
    coded = code(retriever, precision)
    with atomic_directory(folder, replace=overwrite) as partial:
        _save_tokenizer(retriever, partial)
        save_settings(retriever.query, retriever.document, partial)
        parts = [part for each in coded.stored.values() for part in each.items()]
        write_compact(partial, coded.codings, dict(parts))
        config = replace(retriever.config, name=name or folder.resolve().name)
        write_json(partial / RETRIEVER_FILE, asdict(config))
        compact = Retriever.from_pretrained(partial)
        _require_same(compact, coded.restored)
        manifest = compact.manifest()
        described = {**manifest.config, "precision": asdict(precision)}
        inputs = {"original": {"sha256": retriever.weights_hash}}
        # The weights have their own digest: compact.json has it.
        model = {**manifest.model, DIGESTS: digests_of(partial, [TOKENIZER])}
        write_manifest(partial, replace(manifest, model=model, config=described, inputs=inputs))
        size = bytes_within(partial)
        table = list(part_sizes(retriever, coded))
        _require_size(size, table, most_bytes)
    rest = size - sum(part.bytes for part in table)
    table.append(Part(REST, 0, "", rest, 0.0))
    return Compacted(compact, Compaction(size, retriever.weights_hash, table))


def _save_tokenizer(retriever: Retriever, folder: Path) -> None:
    retriever.tokenizer.save_pretrained(folder)
    path = folder / TOKENIZER
    # It is written with a line for each token of the vocabulary, indented.
    value = json.loads(path.read_text(encoding="utf-8"))
    short = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    path.write_text(short + "\n", encoding="utf-8")


def _require_same(compact: Retriever, restored: Stored) -> None:
    for name, tensor in compact.state_dict().items():
        if not torch.equal(tensor, restored[name]):
            raise ValueError(f"{name}: what is loaded is not what was stored")


def _require_size(size: int, parts: list[Part], most: int | None) -> None:
    if most is not None and size > most:
        largest = max(parts, key=lambda part: part.bytes)
        raise ValueError(
            f"{size / 1e6:.1f} MB are more than {most / 1e6:.1f} MB; the largest part is the "
            f"{largest.name} with {largest.bytes / 1e6:.1f} MB in {largest.bits} bits; "
            "give it fewer"
        )


def part_sizes(retriever: Retriever, coded: Coded) -> Iterator[Part]:
    """What each part takes and how far it is off; tensors that are stored already count nowhere."""
    original = retriever.state_dict()
    names: dict[str, list[str]] = {}
    for name, kind in coded.kinds.items():
        coding = coded.codings[name]
        if kind != "unused" and (coding.bits or coding.rows):
            side = name.partition(".")[0]
            names.setdefault(kind if kind == "prompts" else f"{side} {kind}", []).append(name)
    for part, members in names.items():
        largest = max(members, key=lambda name: original[name].numel())
        squares = [
            (
                (coded.restored[name] - original[name].cpu()).double().square().sum(),
                original[name].double().square().sum(),
            )
            for name in members
            if original[name].is_floating_point()
        ]
        off, whole = (float(sum(column)) for column in zip(*squares, strict=True))
        yield Part(
            part,
            sum(original[name].numel() for name in members),
            _in_words(coded.codings[largest]),
            sum(each.nbytes for name in members for each in coded.stored[name].values()),
            (off / whole) ** 0.5 if whole else 0.0,
        )


def _in_words(coding: Coding) -> str:
    if coding.rows and not coding.bits:
        return "one scale a row of the embeddings"
    bits = str(coding.bits) if coding.bits in BITS else f"{coding.bits} (not quantised)"
    return f"{bits}, of the difference" if coding.base else bits
