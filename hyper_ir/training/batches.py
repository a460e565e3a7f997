"""From the sampler's choice to a batch of tensors: which positive, which negatives, padded ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler
from transformers import PreTrainedTokenizerBase

from hyper_ir.data.examples import TrainingExample
from hyper_ir.data.records import page_of
from hyper_ir.encode.engine import padded, tokenised
from hyper_ir.training.contrastive import NO_DOCUMENT, document_number
from hyper_ir.training.example_set import ExampleSet, generator
from hyper_ir.training.query_vectors import QueryVectors
from hyper_ir.training.sampler import MixedTaskSampler
from hyper_ir.training.word_match import WordMatch

TEACHER = "teacher_"
"""What the names of a teacher's tensors begin with."""

Key = tuple[int, int, int]
"""A batch's number in the run, its epoch, and an example's number."""


@dataclass(frozen=True, slots=True)
class Draw:
    """An example as a batch takes it: its query with one positive and some negatives.

    Attributes
    ----------
    batch: the batch's number in the run, from 0.
    documents: the positive's id, then the negatives'.
    """

    batch: int
    example: TrainingExample
    documents: tuple[str, ...]


class DrawnExamples(Dataset[Draw]):
    """Examples by key; what is drawn of one follows from seed, epoch and number alone."""

    def __init__(self, examples: ExampleSet, negatives: int, seed: int) -> None:
        self.examples = examples
        self.negatives = negatives
        self.seed = seed

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, key: Key) -> Draw:
        batch, epoch, index = key
        example = self.examples[index]
        random = generator(self.seed, epoch, index)
        positive = example.positive_ids[int(random.integers(len(example.positive_ids)))]
        count = min(self.negatives, len(example.negative_ids))
        chosen = random.choice(len(example.negative_ids), count, replace=False) if count else ()
        negatives = (example.negative_ids[place] for place in chosen)
        return Draw(batch, example, (positive, *negatives))


class RunSampler(Sampler[list[Key]]):
    """All batches of a run, epoch after epoch, from the first that is not trained on yet.

    Parameters
    ----------
    sampler: says which examples a batch holds.
    total: batches of the whole run.
    """

    def __init__(self, sampler: MixedTaskSampler, total: int) -> None:
        self.sampler = sampler
        self.total = total
        self._first = 0

    def start_at(self, batch: int, settings: str | None = None) -> None:
        """Go on behind so many batches.

        Raises ValueError when ``settings`` are not this sampler's: the examples have changed.
        """
        state = self.sampler.state_dict(batches=batch)
        if settings is not None:
            state["settings"] = settings
        self.sampler.load_state_dict(state)
        self._first = batch

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[list[Key]]:
        number = self._first
        while number < self.total:
            epoch = self.sampler.epoch
            for indices in self.sampler:
                yield [(number, epoch, index) for index in indices]
                number += 1
                if number == self.total:
                    return


def batches_in(sampler: MixedTaskSampler, epochs: float, accumulation: int) -> int:
    """How many batches so many epochs have, a part of one included, in whole steps; 1 at least."""
    whole = int(epochs)
    count = sum(sampler.batches_of(epoch) for epoch in range(whole))
    count += round((epochs - whole) * sampler.batches_of(whole)) if epochs > whole else 0
    return max(count // accumulation, 1) * accumulation


class Documents(Protocol):
    """Where a batch's documents come from."""

    def tensors(self, ids: Sequence[str]) -> dict[str, Tensor]:
        """What the model needs to have these documents' vectors, in order."""


@dataclass(frozen=True)
class TeacherInputs:
    """What a teacher needs of a batch.

    Attributes
    ----------
    tokenizer: the teacher's.
    max_length: tokens it cuts a query to.
    documents: its documents' vectors.
    match: their words, where BM25 is part of its scores.
    queries: its vectors of the queries; None where it encodes them batch by batch.
    """

    tokenizer: PreTrainedTokenizerBase
    max_length: int
    documents: Documents
    match: WordMatch | None = None
    queries: QueryVectors | None = None

    def tensors(self, queries: list[str], ids: Sequence[str]) -> dict[str, Tensor]:
        """``teacher_query_vectors``, or ``teacher_query_ids`` and ``_mask``; ``_words``.

        The documents' by their names.
        """
        inputs = self.documents.tensors(ids)
        if self.queries is not None:
            inputs["query_vectors"] = self.queries.dense(queries)
        else:
            rows = tokenised(self.tokenizer, queries, self.max_length)
            padding = self.tokenizer.pad_token_id or 0
            inputs["query_ids"], inputs["query_mask"] = padded(rows, padding)
        if self.match is not None:
            inputs["query_words"] = self.match.words(queries)
        return {TEACHER + name: tensor for name, tensor in inputs.items()}


@dataclass(frozen=True)
class Collator:
    """Draws to the tensors that :class:`~hyper_ir.training.model.TrainingModel` takes.

    Attributes
    ----------
    tokenizer: of the queries.
    max_length: tokens a query is cut to.
    tasks: each task's number.
    accumulation: batches a step.
    documents: texts to encode or vectors that are there.
    teacher: what a teacher needs of a batch; None for no teacher.
    """

    tokenizer: PreTrainedTokenizerBase
    max_length: int
    tasks: dict[str, int]
    accumulation: int
    documents: Documents
    teacher: TeacherInputs | None = None

    def __call__(self, draws: list[Draw]) -> dict[str, Any]:
        """A batch; all tensors int64 but for vectors."""
        queries = [draw.example.query for draw in draws]
        rows = tokenised(self.tokenizer, queries, self.max_length)
        ids, mask = padded(rows, self.tokenizer.pad_token_id or 0)
        documents = [id for draw in draws for id in draw.documents]
        sizes = [len(draw.documents) for draw in draws]
        return {
            "step": draws[0].batch // self.accumulation,
            "query_ids": ids,
            "query_mask": mask,
            "tasks": torch.tensor([self.tasks[draw.example.task] for draw in draws]),
            "document_numbers": torch.tensor([document_number(id) for id in documents]),
            "page_numbers": torch.tensor([document_number(page_of(id)) for id in documents]),
            "owners": torch.arange(len(draws)).repeat_interleave(torch.tensor(sizes)),
            "positives": torch.tensor(np.concatenate([[0], np.cumsum(sizes)[:-1]])),
            "gold": _gold([draw.example for draw in draws]),
            **self.documents.tensors(documents),
            **({} if self.teacher is None else self.teacher.tensors(queries, documents)),
        }


def gold_pages(example: TrainingExample) -> list[str]:
    """The pages that must not count as negatives of an example.

    Its other gold may be named by document or by page: both readings are taken.
    """
    named = (
        *map(page_of, example.positive_ids),
        *example.gold_ids,
        *map(page_of, example.gold_ids),
    )
    return list(dict.fromkeys(named))


def _gold(examples: Sequence[TrainingExample]) -> Tensor:
    """The numbers of each query's gold pages, (queries, most)."""
    rows = [[document_number(page) for page in gold_pages(example)] for example in examples]
    most = max(len(row) for row in rows)
    return torch.tensor([row + [NO_DOCUMENT] * (most - len(row)) for row in rows])


def loader_of(
    examples: DrawnExamples, sampler: RunSampler, collator: Collator, workers: int, pin: bool
) -> DataLoader[Any]:
    """The loader of a rank's batches; it leaves the global random state alone."""
    return DataLoader(
        examples,
        batch_sampler=sampler,
        collate_fn=collator,
        num_workers=workers,
        pin_memory=pin,
        # Else each new iterator draws a number from the global state: resuming would differ.
        generator=torch.Generator(),
    )
