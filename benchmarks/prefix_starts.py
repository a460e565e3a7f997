"""``python -m benchmarks.prefix_starts``: how far new prompts move the vectors of a finished model.

Each start of the prefix encoder is fitted to some topics, and vectors of others are compared with
those of the model without prompts: the distance as a share of the vector's length.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import torch
from torch import Tensor

from benchmarks import machine, reports
from benchmarks.options import check, say
from hyper_ir.command import Parser, run
from hyper_ir.models.prompt_config import PrefixInitialisation

if TYPE_CHECKING:
    from hyper_ir.models.retriever import Retriever


def moved(plain: Tensor, prompted: Tensor) -> Tensor:
    """The distance between vectors, both (queries, width), as a share of the first's length."""
    shares: Tensor = (prompted - plain).norm(dim=1) / plain.norm(dim=1)
    return shares


@torch.no_grad()
def measured(arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Mean share by start with its positions, and topics, and their mean as ``average``."""
    from hyper_ir.models.prompt_config import PromptConfig
    from hyper_ir.models.prompt_initialisation import new_prompts
    from hyper_ir.models.retriever import Retriever
    from hyper_ir.models.towers import Tower

    retriever = Retriever.from_pretrained(str(arguments.model)).document_encoder().eval()
    fitted = [part for file in arguments.fit for part in _batches(retriever, file, arguments.count)]
    looked_at = {file: _batches(retriever, file, arguments.count) for file in arguments.topics}
    found: dict[str, dict[str, float]] = {}
    for length in arguments.lengths:
        for start in get_args(PrefixInitialisation):
            say(f"{start}, {length} positions")
            config = PromptConfig(
                prompts=arguments.prompts, length=length, prefix_initialisation=start
            )
            tower = retriever.query
            made = new_prompts(config, tower.backbone, fitted, arguments.seed)
            prompted = Tower(tower.backbone, tower.head, made).eval()
            shares = {
                file: torch.cat([moved(tower(*part), prompted(*part)) for part in parts]).mean()
                for file, parts in looked_at.items()
            }
            means = {file: float(share) for file, share in shares.items()}
            average = sum(means.values()) / len(means)
            found[f"{start}, {length}"] = means | {"average": average}
    return found


def _batches(retriever: Retriever, file: str, count: int) -> list[tuple[Tensor, Tensor]]:
    """Ids and masks of a file's first topics."""
    from hyper_ir.data.topics import read_topics
    from hyper_ir.training.preparation import query_batches

    return list(query_batches(retriever, [topic.text for topic in read_topics(file)[:count]]))


def parser() -> Parser:
    """The command's arguments."""
    made = Parser(
        "python -m benchmarks.prefix_starts",
        "Compare query vectors with and without prompts that have not been trained yet.",
        "python -m benchmarks.prefix_starts --model models/warm/model \\\n"
        "  --fit nq-train-kilt.jsonl fever-train-kilt.jsonl \\\n"
        "  --topics nq-dev-kilt.jsonl fever-dev-kilt.jsonl",
    )
    add = made.add_argument
    add("--model", required=True, help="a finished model; its document encoder is looked at")
    add("--fit", nargs="+", required=True, metavar="FILE", help="topics that starts are fitted to")
    add("--topics", nargs="+", required=True, metavar="FILE", help="topics that are looked at")
    add("--count", type=int, default=100, help="topics of each file, the first ones")
    add("--prompts", type=int, default=8, help="N")
    add("--lengths", type=int, nargs="+", default=[10, 100], help="m, positions of a prompt")
    add("--seed", type=int, default=42, help="of the starts")
    add("--output", type=Path, default=reports.RESULTS, help="folder of the results")
    return made


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print, and write."""
    arguments = parser().parse_args(argv)
    check(arguments, ("count", "prompts"))
    if min(arguments.lengths) < 1:
        raise ValueError(f"lengths: {min(arguments.lengths)} is not a positive number")
    found = measured(arguments)
    files = list(next(iter(found.values())))
    rows = [[name, *(f"{means[file]:.3f}" for file in files)] for name, means in found.items()]
    about = machine.described(torch.get_num_threads())
    names = [Path(file).name.partition(".")[0] for file in files]
    table = reports.table(["start, positions", *names], rows)
    results: dict[str, Any] = {"machine": about, "moved": found}
    print(reports.write(arguments.output, "prefix_starts", results, [table]))


if __name__ == "__main__":
    run(main)
