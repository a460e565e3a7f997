"""How much two artefacts of the same input differ: vectors, lines, weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from benchmarks.agreement import agreement
from hyper_ir.data.vectors import read_vectors
from hyper_ir.files import sha256_of


@dataclass(frozen=True)
class Row:
    """Two artefacts, compared.

    Attributes
    ----------
    what: they are.
    changed: how the second was made.
    compared: how many impacts, lines or weights.
    differing: how many of them.
    greatest: the greatest difference; None of lines.
    same_bytes: whether the files are equal; None where they are cut otherwise.
    """

    what: str
    changed: str
    compared: int
    differing: int
    greatest: float | None = None
    same_bytes: bool | None = None

    def cells(self) -> list[str]:
        """As a table shows it."""
        share = f"{self.differing / self.compared:.1e}" if self.differing else "0"
        greatest = "" if self.greatest is None else f"{self.greatest:.2g}"
        same = {True: "yes", False: "no", None: "–"}[self.same_bytes]
        name = f"{self.what}: {self.changed}"
        return [name, f"{self.compared:,}", f"{self.differing:,}", share, greatest, same]

    def in_words(self) -> str:
        """One line."""
        return ", ".join(self.cells())

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)


def of_vectors(changed: str, first: Path, second: Path) -> Row:
    """Folders of sparse vectors of the same texts, in any order."""
    found = [{id: vector for id, vector, _ in read_vectors(each)} for each in (first, second)]
    result = agreement(*found)
    names = [sorted(path.name for path in each.glob("*.jsonl")) for each in (first, second)]
    same = None
    if names[0] == names[1] and list(found[0]) == list(found[1]):
        same = all(sha256_of(first / name) == sha256_of(second / name) for name in names[0])
    differing = result.pairs - result.identical
    return Row("vectors", changed, result.pairs, differing, float(result.greatest), same)


def of_lines(what: str, changed: str, first: Path, second: Path) -> Row:
    """Text files, line by line."""
    lines = [path.read_text(encoding="utf-8").splitlines() for path in (first, second)]
    differing = sum(one != other for one, other in zip_longest(*lines))
    compared = max(map(len, lines))
    return Row(what, changed, compared, differing, None, sha256_of(first) == sha256_of(second))


def of_weights(what: str, changed: str, first: Path, second: Path) -> Row:
    """Folders of models, tensor by tensor; raises ValueError where they hold other files."""
    from safetensors.torch import load_file

    names = [
        sorted(str(path.relative_to(each)) for path in each.rglob("*.safetensors"))
        for each in (first, second)
    ]
    if names[0] != names[1] or not names[0]:
        raise ValueError(f"{first} and {second} hold other weights: {names[0]} and {names[1]}")
    compared = differing = 0
    greatest = 0.0
    for name in names[0]:
        one, other = load_file(first / name), load_file(second / name)
        for key, tensor in one.items():
            apart = (tensor.double() - other[key].double()).abs()
            compared += apart.numel()
            differing += int((apart > 0).sum())
            greatest = max(greatest, float(apart.max()))
    same = all(sha256_of(first / name) == sha256_of(second / name) for name in names[0])
    return Row(what, changed, compared, differing, greatest, same)


def floats(model: Path, texts: Sequence[str], sizes: Sequence[int]) -> dict[str, Any]:
    """The weights before quantisation, by batch size: the greatest differences from the first's.

    Weights that become no impact are left out: they are not computed at all.
    """
    import torch

    from hyper_ir.encode.engine import Engine, EngineConfig, tokenised
    from hyper_ir.models.retriever import Retriever

    engine = Engine(Retriever.from_pretrained(model), "document", EngineConfig(device="cpu"))
    rows = tokenised(engine.retriever.tokenizer, texts, engine.max_length)
    rows.sort(key=len, reverse=True)
    made = {}
    for size in sizes:
        batches = (rows[start : start + size] for start in range(0, len(rows), size))
        made[size] = torch.cat([engine.encoding(batch).vectors for batch in batches])
    first = made[sizes[0]]
    others = {}
    for size in sizes[1:]:
        kept = (first > engine.quantiser.least) & (made[size] > engine.quantiser.least)
        apart = (first - made[size]).abs()[kept]
        relative = apart / first[kept]
        others[str(size)] = {"absolute": float(apart.max()), "relative": float(relative.max())}
    return {
        "texts": len(texts),
        "batch": sizes[0],
        "factor": engine.quantiser.factor,
        "others": others,
    }
