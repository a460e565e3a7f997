"""``python -m hyper_ir.compact``: a trained model in a small part of its size, to be shipped."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from hyper_ir.command import Parser, positive, run
from hyper_ir.files import bytes_within, require_file
from hyper_ir.models.checkpoint import MODEL_MARKS
from hyper_ir.outputs import require_output_folder
from hyper_ir.problems import Problems

if TYPE_CHECKING:
    from hyper_ir.models.card import Card, Compaction, Impacts
    from hyper_ir.models.retriever import Retriever

DESCRIPTION = """\
Write a retriever's weights in a few bits each: tensors of both towers once, what training moved
as differences, the rows of a grafted head as scales of word embeddings. The folder is taken
wherever a model is; its impacts are a little off: --corpus and --topics measure by how much."""

EXAMPLE = """
python -m hyper_ir.compact --model models/hyper --output models/hyper-small
python -m hyper_ir.compact --model models/hyper --output hyper_ir/pretrained/hyper-minilm \\
  --bits embeddings=6 differences=4 --max-megabytes 30 --card card.json \\
  --corpus nfcorpus --topics nfcorpus
python -m hyper_ir.compact --output hyper_ir/pretrained/hyper-minilm --card card.json --card-only
"""


def parser() -> argparse.ArgumentParser:
    """The verb's arguments."""
    verb = Parser("python -m hyper_ir.compact", DESCRIPTION, EXAMPLE)
    add = verb.add_argument
    add("--model", help="the retriever's folder (or hub name)")
    add("--output", required=True, type=Path, metavar="FOLDER", help="the compact folder")
    add("--overwrite", action="store_true", help="replace FOLDER where it exists")
    add("--name", help="what the model is called from now on (default: FOLDER's name)")
    add(
        "--bits",
        nargs="+",
        default=[],
        metavar="[KIND=]BITS",
        help="bits of a weight, 2 to 8, 16 or 32, of embeddings, head, transformer, prompts (a "
        "number alone: of all these) and differences (default: 8, differences 4)",
    )
    add("--group", type=positive, default=64, help="weights that share a scale")
    add("--max-megabytes", type=float, metavar="MB", help="write nothing that is larger")
    what = verb.add_argument_group("what it does to impacts")
    add = what.add_argument
    add("--corpus", help="compare impacts of its first texts: file, folder, ir_datasets:NAME")
    add("--topics", help="compare impacts of its first topics: any format that search takes")
    add("--sample", type=positive, default=500, help="how many of each")
    add("--device", default="auto", help="where both models encode")
    card = verb.add_argument_group("the card")
    add = card.add_argument
    add(
        "--card",
        type=Path,
        metavar="FILE.json",
        help="record of what the model is, what it was trained on and under which licences; sizes "
        "and changes of impacts are added, and README.md is made of it",
    )
    add(
        "--card-only",
        action="store_true",
        help="replace the card of the compact FOLDER (new scores), and keep its weights",
    )
    return verb


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, check, write, measure, and name the next command."""
    arguments = parser().parse_args(argv)
    if arguments.card_only:
        _replace_card(arguments)
        return
    if arguments.model is None:
        raise ValueError("--model: the retriever to compact is needed")
    output = require_output_folder(
        arguments.output, arguments.overwrite, MODEL_MARKS, "a model", [arguments.model]
    )
    most = arguments.max_megabytes
    if most is not None and not most > 0:
        raise ValueError(f"--max-megabytes: {most} is not above 0")
    texts = _texts(arguments)
    card = _card(arguments)

    from hyper_ir.compaction.precision import Precision
    from hyper_ir.compaction.writing import save_compact
    from hyper_ir.models.checkpoint import find_checkpoint
    from hyper_ir.models.retriever import Retriever

    precision = Precision.of(arguments.bits, arguments.group)
    original = Retriever.from_pretrained(arguments.model)
    compacted = save_compact(
        original,
        output,
        precision,
        arguments.name,
        arguments.overwrite,
        None if most is None else int(most * 1e6),
    )
    impacts = _compare(original, compacted.retriever, texts, arguments.device)
    compaction = replace(compacted.compaction, impacts=impacts)
    _print(compaction)
    if card is not None:
        _write_card(replace(card, compaction=compaction), output)
    print(f"{compaction.bytes / 1e6:.1f} MB: {output}")
    if (before := bytes_within(find_checkpoint(arguments.model).folder)) <= compaction.bytes:
        print(f"notice: that is no less than {arguments.model} has, {before / 1e6:.1f} MB")
    print(
        f"next: python -m hyper_ir.encode input --corpus CORPUS output --embeddings vectors/NAME "
        f"encoder --encoder {output}"
    )


def _texts(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """The texts to encode by side; read before any work."""
    texts: dict[str, list[str]] = {}
    if arguments.topics is not None:
        from hyper_ir.data.topics import read_topics

        topics = read_topics(arguments.topics, "auto", Problems())
        texts["query"] = [topic.text for topic in topics[: arguments.sample]]
    if arguments.corpus is not None:
        from hyper_ir.data.corpus import open_corpus

        passages = islice(open_corpus(arguments.corpus), arguments.sample)
        texts["document"] = [passage.text for passage in passages]
    return texts


def _card(arguments: argparse.Namespace) -> Card | None:
    if arguments.card is None:
        return None
    from hyper_ir.models.card import read_card

    return read_card(require_file(arguments.card, "card"))


def _compare(
    original: Retriever, compact: Retriever, texts: dict[str, list[str]], device: str
) -> list[Impacts]:
    from hyper_ir.compaction.comparison import compare_impacts
    from hyper_ir.encode.engine import EngineConfig

    config = EngineConfig(device=device)
    return [compare_impacts(original, compact, side, of, config) for side, of in texts.items()]


def _replace_card(arguments: argparse.Namespace) -> None:
    from hyper_ir.models.card import card_of
    from hyper_ir.models.compact_file import LAYOUT_FILE

    card = _card(arguments)
    if card is None:
        raise ValueError("--card-only: --card FILE.json is needed")
    if not (arguments.output / LAYOUT_FILE).is_file():
        raise ValueError(f"--card-only: {arguments.output} is no compact model's folder")
    before = card_of(arguments.output)
    if before is not None:
        card = replace(card, compaction=before.compaction)
    _write_card(card, arguments.output)
    print(f"card: {arguments.output}")


def _write_card(card: Card, folder: Path) -> None:
    from hyper_ir.models.card_text import write_card

    write_card(card, folder)


def _print(compaction: Compaction) -> None:
    from hyper_ir.compaction.tables import impact_table, size_table
    from hyper_ir.evaluation.rendering import print_tables

    sys.stdout.flush()
    print_tables([size_table(compaction)])
    if compaction.impacts:
        print_tables([impact_table(compaction.impacts)])


if __name__ == "__main__":
    run(main)
