"""A model's card in words: a few lines for a terminal, Markdown for its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from hyper_ir.files import atomic_text, write_json
from hyper_ir.models.card import CARD_FILE, Card, Compaction, Score, Source

README_FILE = "README.md"


def write_card(card: Card, folder: Path) -> None:
    """Write the record and its Markdown into a model's folder."""
    write_json(folder / CARD_FILE, asdict(card))
    with atomic_text(folder / README_FILE) as handle:
        handle.write(markdown(card))


def in_words(card: Card) -> str:
    """What a user should know before relying on the model, in a few lines."""
    lines = [f"{card.name}: {card.summary}", f"  licence: {card.licence}"]
    lines += [f"  made of {each.name} ({each.use}): {each.licence}" for each in card.sources]
    return "\n".join([*lines, f"  trained: {card.training}"])


def markdown(card: Card) -> str:
    """The card as README.md."""
    return "\n".join(_lines(card))


def _lines(card: Card) -> Iterator[str]:
    yield from ("---", "library_name: hyper_ir", f"license: {json.dumps(card.licence)}")
    yield from ("tags: [information-retrieval, learned-sparse-retrieval, hyper_ir]", "---", "")
    yield from (f"# {card.name}", "", card.summary, "", "## Use", "", "```")
    yield f"python -m hyper_ir.quickstart --pretrained {card.name} --files FOLDER --ask QUESTION"
    yield f"python -m hyper_ir.encode.explain --encoder hyper_ir:{card.name} QUESTION"
    yield from ("```", "", "## Training", "", card.training, "")
    yield from _table(
        ["made of", "as", "licence"],
        [[_linked(each), each.use, each.licence] for each in card.sources],
    )
    yield from (f"The model itself: {card.licence}.", "")
    if card.scores:
        yield from ("## Scores", "")
        yield from _score_tables(card.scores)
    if card.compaction is not None:
        yield from _compaction(card.compaction)
    if card.limits:
        yield from ("## Limits", "", card.limits, "")


def _linked(source: Source) -> str:
    return f"[{source.name}]({source.url})" if source.url else source.name


def _score_tables(scores: Sequence[Score]) -> Iterator[str]:
    """One table for all scores; systems that a collection was not searched with stay blank."""
    systems = list(dict.fromkeys(name for each in scores for name in each.systems))
    rows = [
        [
            each.collection,
            each.measure,
            f"{each.topics:,}",
            *(f"{each.systems[name]:.4f}" if name in each.systems else "" for name in systems),
        ]
        for each in scores
    ]
    yield from _table(["collection", "measure", "topics", *systems], rows)


def _compaction(compaction: Compaction) -> Iterator[str]:
    yield from ("## Size", "")
    yield from (f"{compaction.bytes / 1e6:.1f} MB in all. Weights are stored as", "")
    yield from _table(
        ["part", "weights", "bits", "MB", "relative error"],
        [
            [
                each.name,
                f"{each.weights:,}",
                each.bits,
                f"{each.bytes / 1e6:.2f}",
                f"{each.error:.2%}",
            ]
            for each in compaction.parts
        ],
    )
    if compaction.impacts:
        yield from ("Beside the uncompacted model:", "")
        header = ["texts", "impacts", "changed", "lost", "gained", "mean change", "cosine"]
        yield from _table(
            header,
            [
                [
                    f"{each.texts:,} {each.side} texts",
                    f"{each.impacts:,}",
                    *(f"{share:.2%}" for share in (each.changed, each.lost, each.gained)),
                    f"{each.mean_change:.2f}",
                    f"{each.cosine:.5f}",
                ]
                for each in compaction.impacts
            ],
        )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    yield from (f"| {' | '.join(word.replace('|', '/') for word in row)} |" for row in rows)
    yield ""
