"""Many tensors in few bytes: what ``compact.json`` and ``compact.safetensors`` hold.

Every tensor is a base (nothing, another tensor, or rows of one) and what is left of it beyond the
base (nothing, weights as they are, or quantised ones). So a tensor that two towers have is stored
once, one that training moved a little as its difference, and a grafted head, whose rows are word
embeddings, as one number a row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from hyper_ir.files import sha256_of, write_json
from hyper_ir.models.checkpoint import read_object
from hyper_ir.models.quantisation import BITS, Codes, dequantise

LAYOUT_FILE = "compact.json"
WEIGHTS_FILE = "compact.safetensors"
FORMAT = 1

SCALES = ":scales"
ROW_SCALES = ":row_scales"
MEAN = ":mean"

TYPES = {"float32": torch.float32, "int64": torch.int64}

PLAIN = (16, 32)
"""Bits of weights that are stored as they are, in float16, or in float32 (int32 for ids)."""


@dataclass(frozen=True)
class Coding:
    """How one tensor is stored.

    Attributes
    ----------
    shape: of the tensor.
    kind: its type: ``"float32"`` or ``"int64"``.
    base: name of the tensor that it starts from; empty for zeros.
    rows: name of the tensor of row numbers where the base's rows are taken; empty where the base is
        taken as it is. Row i is then ``(base[rows[i]] - mean) * row_scales[i]``.
    bits: of what is added to the base: 0 where nothing is, 2 to 8 for codes, 16 or 32 for weights
        as they are.
    group: weights that share a scale; 0 without codes.
    """

    shape: tuple[int, ...]
    kind: str = "float32"
    base: str = ""
    rows: str = ""
    bits: int = 0
    group: int = 0

    def __post_init__(self) -> None:
        if any(type(size) is not int or size < 0 for size in self.shape):
            raise ValueError(f"shape {self.shape} is not one of a tensor")
        if self.kind not in TYPES:
            raise ValueError(f"kind {self.kind!r}; {', '.join(TYPES)} are known")
        if self.bits not in (0, *BITS, *PLAIN):
            raise ValueError(f"bits {self.bits!r}; 0, {BITS[0]} to {BITS[-1]}, 16 and 32 are known")
        if self.rows and not self.base:
            raise ValueError("rows are taken of no tensor")
        if self.bits in BITS and (type(self.group) is not int or self.group < 1):
            raise ValueError(f"group {self.group!r} is not a positive number of weights")


Stored = dict[str, Tensor]
"""What of a tensor is stored, by the names in the file."""


def decoded(name: str, coding: Coding, stored: Mapping[str, Tensor], before: Stored) -> Tensor:
    """A tensor out of what is stored of it and of tensors decoded before it.

    The arithmetic is one product or sum at a time: every machine gets the same bits.

    Raises ValueError where something is missing, or of another shape or type.
    """
    value = _base(name, coding, stored, before)
    if coding.bits == 0:
        return value
    if coding.bits in BITS:
        codes = Codes(_of(stored, name), _of(stored, name + SCALES))
        weights = math.prod(coding.shape)
        more = dequantise(codes, weights, coding.bits, coding.group).view(coding.shape)
    else:
        more = _of(stored, name)
        _require_shape(more, coding.shape, "weights")
        if more.is_floating_point() != (coding.kind == "float32"):
            raise ValueError(f"weights of {more.dtype} for a tensor of {coding.kind}")
        more = more.to(TYPES[coding.kind])
    return value + more if coding.base else more


def _base(name: str, coding: Coding, stored: Mapping[str, Tensor], before: Stored) -> Tensor:
    if not coding.base:
        return torch.zeros((), dtype=TYPES[coding.kind]).expand(coding.shape)
    base = _of(before, coding.base)
    if not coding.rows:
        _require_shape(base, coding.shape, f"base {coding.base}")
        return base
    rows, scales, mean = (
        _of(before, coding.rows),
        _of(stored, name + ROW_SCALES).float(),
        _of(stored, name + MEAN).float(),
    )
    _require_shape(scales, coding.shape[:1], "row scales")
    _require_shape(mean, base.shape[1:], "mean")
    _require_shape(rows, coding.shape[:1], f"row numbers {coding.rows}")
    if rows.dtype != torch.int64 or (len(rows) and not 0 <= rows.min() <= rows.max() < len(base)):
        raise ValueError(
            f"row numbers {coding.rows} are none of {coding.base}'s {len(base):,} rows"
        )
    taken = (base[rows] - mean) * scales.unsqueeze(1)
    _require_shape(taken, coding.shape, f"rows of {coding.base}")
    return taken


def _of(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    if name not in tensors:
        raise ValueError(f"{name} is missing")
    return tensors[name]


def _require_shape(tensor: Tensor, shape: tuple[int, ...], what: str) -> None:
    if tensor.shape != shape:
        raise ValueError(f"{what} of {tuple(tensor.shape)}; {tuple(shape)} is needed")


def write_compact(folder: Path, codings: Mapping[str, Coding], stored: Stored) -> None:
    """Write both files into a folder; a tensor's base must stand before it."""
    save_file({name: part.contiguous() for name, part in stored.items()}, folder / WEIGHTS_FILE)
    tensors = {name: _brief(coding) for name, coding in codings.items()}
    digest = sha256_of(folder / WEIGHTS_FILE)
    write_json(folder / LAYOUT_FILE, {"format": FORMAT, "sha256": digest, "tensors": tensors})


def _brief(coding: Coding) -> dict[str, Any]:
    """The coding's attributes that are not defaults."""
    written = asdict(coding)
    return {
        field.name: written[field.name]
        for field in fields(coding)
        if written[field.name] != field.default
    }


def read_compact(folder: Path) -> Stored:
    """All tensors that :func:`write_compact` wrote, in float32 (ids: int64).

    Raises ValueError when a file is missing or damaged, of a later format, or does not hold what
    the layout says.
    """
    path, layout = folder / WEIGHTS_FILE, read_object(folder / LAYOUT_FILE)
    if layout.get("format") != FORMAT:
        raise ValueError(
            f"{folder / LAYOUT_FILE}: format {layout.get('format')!r}; {FORMAT} is known"
        )
    codings = dict(_codings(layout.get("tensors"), folder / LAYOUT_FILE))
    if not path.is_file():
        raise ValueError(f"{folder}: a compact model without its {WEIGHTS_FILE}")
    if sha256_of(path) != layout.get("sha256"):
        raise ValueError(
            f"{path}: damaged, or of another model: its SHA-256 is not the one in {LAYOUT_FILE}"
        )
    try:
        stored = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: not readable as safetensors: {error}") from error
    found: Stored = {}
    for name, coding in codings.items():
        try:
            found[name] = decoded(name, coding, stored, found)
            # Zeros take no memory, whatever shape they have, until they are looked at.
            if (coding.base or coding.bits) and not bool(torch.isfinite(found[name]).all()):
                raise ValueError("it holds NaN or infinity")
        except ValueError as error:
            raise ValueError(f"{path}: {name}: {error}") from error
    return found


def _codings(tensors: object, path: Path) -> Iterator[tuple[str, Coding]]:
    if not isinstance(tensors, dict):
        raise ValueError(f"{path}: it lists no tensors")
    for name, written in tensors.items():
        try:
            yield name, Coding(**{**written, "shape": tuple(written["shape"])})
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"{path}: {name}: not the coding of a tensor: {error}") from error
