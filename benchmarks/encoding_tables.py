"""The tables of ``benchmarks.encoding`` out of its numbers."""

from __future__ import annotations

from typing import Any

from benchmarks.counting import SHAPES
from benchmarks.harness import Spread
from benchmarks.reports import table

PASSAGES = 36_000_000
"""KILT's knowledge source in passages of 100 words."""


PARTS = ("tokenising", "transformer", "head")


def tables(shapes: dict[str, Any], device: str) -> list[str]:
    """Speed and agreement, then where the time goes and what it is of the machine's peak."""
    parts = [speed(shapes), bounds(shapes), peaks(shapes), counted(shapes)]
    if device != "cpu":
        parts.append(passages(shapes))
    return [part for part in parts if part]


def speed(shapes: dict[str, Any]) -> str:
    """Texts a second, how many times the peers', and whether the impacts are the same."""
    peers = ["sentence-transformers", "pyserini"]
    rows = []
    for shape, found in shapes.items():
        count = len(found["token_counts"])
        for name, times in found["seconds"].items():
            agreed = found["agreement"][name]
            ratios = [_ratio(found["seconds"].get(peer), times) for peer in peers]
            rate = Spread.of([count / time for time in times]).shown(".1f")
            same = [f"{agreed['share']:.4%}", str(agreed["greatest"]), f"{agreed['terms']:.0f}"]
            rows.append([f"{shape}, {name}", rate, *ratios, *same])
    first = next(iter(next(iter(shapes.values()))["seconds"]))
    header = ["model, encoder", "texts/s", *(f"× {peer}" for peer in peers)]
    return table(
        [*header, f"impacts identical to those of {first}", "greatest difference", "terms/text"],
        rows,
    )


def bounds(shapes: dict[str, Any]) -> str:
    """Of ours: shares of the time, and the transformer's and head's rate beside the peak's."""
    rows = []
    for shape, found in shapes.items():
        for name, runs in found["parts"].items():
            rows.append([f"{shape}, {name}", *_shares(runs), *_of_peak(shape, found, name)])
    shares = [*PARTS, "sparsifying, writing"]
    rates = ["transformer, GFLOP/s", "of the peak", "of its type", "head, GFLOP/s"]
    return table(["model, encoder", *shares, *rates], rows) if rows else ""


def peaks(shapes: dict[str, Any]) -> str:
    """The machine's matrix peak by type, as it was in turn with each model."""
    rows = []
    for shape, found in shapes.items():
        rates = (
            [round[kind] / 1e9 for round in found["peaks"]]
            for kind in ("float32", "bfloat16", "int8")
        )
        rows.append([shape, *(Spread.of(each).shown(".0f") for each in rates)])
    kinds = ["float32, GFLOP/s", "bfloat16, GFLOP/s", "int8, G operations/s"]
    return table(["matrix peak beside", *kinds], rows)


def counted(shapes: dict[str, Any]) -> str:
    """What a text costs by count: operations, weights read for a batch, bytes of the outputs."""
    rows = []
    for name, found in shapes.items():
        shape, lengths = SHAPES[name], found["token_counts"]
        count = len(lengths)
        rows.append(
            [
                name,
                f"{sum(lengths) / count:.0f}",
                f"{shape.transformer_operations(lengths) / count / 1e9:.2f}",
                f"{shape.head_operations(lengths) / count / 1e9:.2f}",
                f"{shape.transformer_weights() / 2**20:.0f}",
                f"{shape.head_weights() / 2**20:.0f}",
                f"{shape.logits(lengths) / count / 2**20:.1f}",
                f"{shape.vectors(1) / 2**20:.2f}",
            ]
        )
    header = ["model", "tokens/text", "transformer, GFLOP/text", "head, GFLOP/text"]
    weights = ["transformer's weights, MiB", "decoder, MiB"]
    return table([*header, *weights, "all logits, MiB/text", "maxima, MiB/text"], rows)


def passages(shapes: dict[str, Any]) -> str:
    """How long 36 million such texts would take."""
    rows = []
    for shape, found in shapes.items():
        for name, times in found["seconds"].items():
            each = Spread.of(times).median / len(found["token_counts"])
            rows.append([f"{shape}, {name}", f"{each * PASSAGES / 3600:.1f}"])
    return table(["model, encoder", f"hours for {PASSAGES:,} texts"], rows)


def _ratio(theirs: list[float] | None, mine: list[float]) -> str:
    if theirs is None:
        return ""
    return Spread.of([their / own for their, own in zip(theirs, mine, strict=True)]).shown()


def _shares(runs: list[dict[str, Any]]) -> list[str]:
    """The median shares of the time; the last is what is left."""
    rows = [
        [*(run["parts"][name] for name in PARTS), run["seconds"] - sum(run["parts"].values())]
        for run in runs
    ]
    shares = [
        Spread.of([row[place] / sum(row) for row in rows]).median for place in range(len(PARTS) + 1)
    ]
    return [f"{share:.1%}" for share in shares]


def _of_peak(shape: str, found: dict[str, Any], name: str) -> list[str]:
    """The transformer's rate, its share of the peak of its type, the type, and the head's rate.

    The head's operations are those of all logits, also where it gets by with fewer.
    """
    runs = found["parts"][name]
    kind = runs[0]["type"]
    peak = Spread.of([round[kind] for round in found["peaks"]]).median
    lengths = found["token_counts"]
    rates: dict[str, float] = {
        "transformer": SHAPES[shape].transformer_operations(lengths),
        "head": SHAPES[shape].head_operations(lengths),
    }
    for part, operations in rates.items():
        rates[part] = operations / Spread.of([run["parts"][part] for run in runs]).median
    transformer, head = rates["transformer"], rates["head"]
    return [f"{transformer / 1e9:.0f}", f"{transformer / peak:.0%}", kind, f"{head / 1e9:.0f}"]
