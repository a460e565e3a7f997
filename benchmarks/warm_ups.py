"""``python -m benchmarks.warm_ups``: two other ways to a lexical backbone than a dense teacher.

``masked-words`` trains a grafted model to tell words that are masked in a collection's passages.
``published-vectors`` trains it towards another model's query vectors, lines of ``text`` and
``vector`` (a weight for each word piece). docs/results.md has what they give.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from benchmarks.options import say
from hyper_ir.command import Parser, run

if TYPE_CHECKING:
    from hyper_ir.models.heads import LexicalHead
    from hyper_ir.models.retriever import Retriever

MASKED = 0.15
"""The share of a passage's words that are asked for, as in BERT."""

SHARPNESS = 10.0
"""A grafted head's logits are about 1: times this, its softmax can be sure."""

EVERY = 25
"""Steps between two lines of progress."""

Loss = Callable[[list[str]], Tensor]


def row_logits(head: LexicalHead, states: Tensor) -> Tensor:
    """The head's logits before pooling: ``(words, hidden)`` to ``(words, rows)``."""
    states = states if head.transform is None else head.transform(states)
    return states @ head.weight.T + head.bias


def row_of_token(head: LexicalHead) -> Tensor:
    """``(vocabulary,)``, int64: the head's row for each token, -100 where it has none."""
    rows = torch.full((head.width,), -100)
    tokens = torch.arange(head.width) if head.tokens is None else head.tokens
    rows[tokens] = torch.arange(len(tokens))
    return rows


def masked_words(retriever: Retriever, length: int, seed: int) -> Loss:
    """Texts to the mean cross-entropy of their masked words, over the words the head knows."""
    from transformers import DataCollatorForLanguageModeling

    from hyper_ir.models.heads import LexicalHead

    tower, head = retriever.query, retriever.query.head
    assert isinstance(head, LexicalHead)
    mask = DataCollatorForLanguageModeling(
        retriever.tokenizer, mlm_probability=MASKED, seed=seed, return_tensors="pt"
    )
    rows = row_of_token(head)

    def loss(texts: list[str]) -> Tensor:
        encoded = retriever.tokenizer(texts, truncation=True, max_length=length)
        batch = mask([{"input_ids": ids} for ids in encoded["input_ids"]])
        states = tower.backbone(batch["input_ids"], batch["attention_mask"], None)
        asked = batch["labels"] >= 0
        wanted = rows[batch["labels"][asked]]
        known = wanted >= 0
        logits = row_logits(head, states[asked][known]) * SHARPNESS
        return nn.functional.cross_entropy(logits, wanted[known])

    return loss


def published_vectors(
    retriever: Retriever, vectors: Mapping[str, Mapping[str, float]], length: int
) -> Loss:
    """Texts to the mean of 1 less the cosine between their vectors and the published ones."""
    vocabulary = retriever.tokenizer.get_vocab()

    def loss(texts: list[str]) -> Tensor:
        encoded = retriever.tokenizer(
            texts, truncation=True, max_length=length, padding=True, return_tensors="pt"
        )
        made = retriever.query(encoded["input_ids"], encoded["attention_mask"])
        wanted = torch.zeros_like(made)
        for row, text in enumerate(texts):
            for word, weight in vectors[text].items():
                wanted[row, vocabulary[word]] = weight
        return (1 - nn.functional.cosine_similarity(made, wanted)).mean()

    return loss


def batches(texts: Sequence[str], size: int, seed: int) -> Iterator[list[str]]:
    """Texts in batches for ever, in a new order each time round; all of one size."""
    order = random.Random(seed)
    while True:
        shuffled = order.sample(texts, len(texts))
        for start in range(0, len(shuffled) - size + 1, size):
            yield shuffled[start : start + size]


def train(
    retriever: Retriever, loss: Loss, texts: Sequence[str], given: argparse.Namespace
) -> None:
    """AdamW over all weights, the rate rising for a tenth of the steps and falling to zero."""
    tower = retriever.query.train()
    weights = [weight.requires_grad_() for weight in tower.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=given.rate)
    rising = max(1, given.steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / rising, (given.steps - step) / given.steps)
    )
    drawn = batches(texts, given.batch, given.seed)
    total = 0.0
    for step in range(1, given.steps + 1):
        value = loss(next(drawn))
        optimiser.zero_grad()
        torch.autograd.backward(value)
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        schedule.step()
        total += float(value.detach())
        if step % EVERY == 0 or step == given.steps:
            say(f"step {step:,} of {given.steps:,}: loss {total / ((step - 1) % EVERY + 1):.4f}")
            total = 0.0
    tower.eval()


def read_vectors(paths: Sequence[Path], vocabulary: Container[str]) -> dict[str, dict[str, float]]:
    """Texts and their vectors; ValueError for a line of another kind or an unknown word piece."""
    from hyper_ir.files import read_jsonl

    found: dict[str, dict[str, float]] = {}
    for path in paths:
        for where, line in read_jsonl(path):
            text, vector = line.get("text"), line.get("vector")
            if not isinstance(text, str) or not isinstance(vector, dict) or not vector:
                raise ValueError(f"{where}: a line needs a text and a vector of words' weights")
            if unknown := [word for word in vector if word not in vocabulary]:
                raise ValueError(f"{where}: {unknown[0]!r} is no word piece of the model")
            found[text] = vector
    return found


def read_passages(paths: Sequence[Path], number: int, seed: int) -> list[str]:
    """The texts of so many passages, drawn from all of them."""
    from hyper_ir.data.corpus import open_corpus
    from hyper_ir.problems import Problems

    texts = [
        passage.text for path in paths for passage in open_corpus(str(path), problems=Problems())
    ]
    return random.Random(seed).sample(texts, min(number, len(texts)))


def parser() -> Parser:
    """The command's arguments."""
    made = Parser(
        "python -m benchmarks.warm_ups",
        "Train a grafted model by masked words, or towards published query vectors.",
        "python -m benchmarks.warm_ups masked-words --model models/lexical \\\n"
        "  --texts knowledgesource.jsonl.gz --output models/masked",
    )
    add = made.add_argument
    add("attempt", choices=["masked-words", "published-vectors"], help="what it learns")
    add("--model", required=True, help="a lexical model's folder")
    add("--texts", type=Path, nargs="+", required=True, help="collections, or files of vectors")
    add("--steps", type=int, default=300, help="optimiser steps")
    add("--batch", type=int, default=32, help="texts a step")
    add("--rate", type=float, default=5e-5, help="the learning rate's peak")
    add("--length", type=int, default=96, help="tokens a text is cut to")
    add("--seed", type=int, default=42, help="of order and masks")
    add("--output", required=True, help="folder for the model")
    return made


def main(argv: Sequence[str] | None = None) -> None:
    """Train and save."""
    given = parser().parse_args(argv)

    from hyper_ir.models.checkpoint import MODEL_MARKS
    from hyper_ir.models.retriever import Retriever
    from hyper_ir.outputs import require_output_folder

    for name in ("steps", "batch", "length"):
        if getattr(given, name) < 1:
            raise ValueError(f"{name}: {getattr(given, name)} is not a positive number")
    output = require_output_folder(given.output, False, MODEL_MARKS, "a model", [given.model])
    retriever = Retriever.from_pretrained(given.model)
    torch.manual_seed(given.seed)
    if given.attempt == "masked-words":
        texts = read_passages(given.texts, given.steps * given.batch, given.seed)
        loss = masked_words(retriever, given.length, given.seed)
    else:
        vectors = read_vectors(given.texts, retriever.tokenizer.get_vocab())
        texts, loss = list(vectors), published_vectors(retriever, vectors, given.length)
    if len(texts) < given.batch:
        raise ValueError(f"{len(texts):,} texts are less than a batch of {given.batch}")
    train(retriever, loss, texts, given)
    retriever.save_pretrained(output)
    print(f"written: {output}")


if __name__ == "__main__":
    run(main)
