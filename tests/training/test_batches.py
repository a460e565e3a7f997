from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from hyper_ir.data.examples import TrainingExample
from hyper_ir.data.records import page_of
from hyper_ir.training.batches import (
    Collator,
    Draw,
    DrawnExamples,
    RunSampler,
    batches_in,
    loader_of,
)
from hyper_ir.training.contrastive import NO_DOCUMENT, document_number
from hyper_ir.training.example_set import ExampleSet
from hyper_ir.training.sampler import MixedTaskSampler
from tests import tiny_models
from tests.training.small_run import write_queries


class Numbers:
    """Documents that are nothing but numbers."""

    def tensors(self, ids: Sequence[str]) -> dict[str, Tensor]:
        return {"document_vectors": torch.arange(float(len(ids))).unsqueeze(1)}


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> ExampleSet:
    return ExampleSet([str(write_queries(tmp_path_factory.mktemp("q"), "train"))])


@pytest.fixture(scope="module")
def words() -> PreTrainedTokenizerBase:
    return tiny_models.tokenizer("bert")


def sampler_of(examples: ExampleSet, size: int = 4) -> MixedTaskSampler:
    return MixedTaskSampler(examples.tasks_of_all(), size, seed=3)


def test_what_is_drawn_of_an_example_follows_from_seed_epoch_and_number(
    examples: ExampleSet,
) -> None:
    drawn = DrawnExamples(examples, 2, seed=1)
    assert drawn[0, 0, 5] == DrawnExamples(examples, 2, seed=1)[0, 0, 5]
    kinds = {drawn[0, epoch, 5].documents for epoch in range(20)}
    assert len(kinds) > 5, "other negatives in other epochs"
    positives = {documents[0] for documents in kinds}
    assert positives == set(examples[5].positive_ids), "each positive has its turn"
    for epoch in range(20):
        negatives = drawn[0, epoch, 5].documents[1:]
        assert len(set(negatives)) == 2
        assert set(negatives) <= set(examples[5].negative_ids)
    assert len(DrawnExamples(examples, 99, seed=1)[0, 0, 5].documents) == 6


def test_a_batch_says_whose_documents_are_whose(
    examples: ExampleSet, words: PreTrainedTokenizerBase
) -> None:
    first = TrainingExample(
        "a", "sparse vectors", "short", ("p1#0", "p2#0"), ("n#1", "n#2"), gold_ids=("p8",)
    )
    second = TrainingExample("b", "zebras graze", "long", ("p3#4",), ())
    draws = [Draw(7, first, ("p2#0", "n#1")), Draw(7, second, ("p3#4",))]
    batch = Collator(words, 16, {"long": 0, "short": 1}, 2, Numbers())(draws)
    assert batch["step"] == 3
    assert batch["tasks"].tolist() == [1, 0]
    assert batch["owners"].tolist() == [0, 0, 1]
    assert batch["positives"].tolist() == [0, 2]
    assert batch["document_numbers"].tolist() == [
        document_number(id) for id in ("p2#0", "n#1", "p3#4")
    ]
    assert batch["page_numbers"].tolist() == [document_number(id) for id in ("p2", "n", "p3")]
    gold = [document_number(page) for page in ("p1", "p2", "p8", "p3")]
    assert batch["gold"].tolist() == [gold[:3], [gold[3], NO_DOCUMENT, NO_DOCUMENT]]
    assert batch["query_ids"].shape == batch["query_mask"].shape


def test_a_run_goes_through_its_epochs_and_starts_where_it_is_told(examples: ExampleSet) -> None:
    whole = list(RunSampler(sampler_of(examples), 8))
    assert [batch[0][0] for batch in whole] == list(range(8))
    assert {key[1] for batch in whole for key in batch} == {0, 1, 2}
    for start in range(8):
        resumed = RunSampler(sampler_of(examples), 8)
        resumed.start_at(start)
        assert list(resumed) == whole[start:]
        assert len(resumed) == 8


def test_a_run_is_not_resumed_over_other_examples(examples: ExampleSet) -> None:
    settings = sampler_of(examples, 2).state_dict()["settings"]
    with pytest.raises(ValueError, match="other examples"):
        RunSampler(sampler_of(examples), 8).start_at(2, settings)


@pytest.mark.parametrize(("epochs", "batches"), [(1, 3), (2, 6), (0.34, 1), (1.67, 5), (0.01, 1)])
def test_epochs_in_batches(examples: ExampleSet, epochs: float, batches: int) -> None:
    assert batches_in(sampler_of(examples), epochs, 1) == batches
    assert batches_in(sampler_of(examples), epochs, 2) % 2 == 0


@pytest.mark.parametrize("workers", [0, 2])
def test_the_loader_leaves_the_global_random_state_alone(
    examples: ExampleSet, words: PreTrainedTokenizerBase, workers: int
) -> None:
    collator = Collator(words, 16, {"long": 0, "short": 1}, 1, Numbers())
    torch.manual_seed(0)
    before = torch.get_rng_state()
    sampler = RunSampler(sampler_of(examples), 4)
    loaded = list(loader_of(DrawnExamples(examples, 2, 0), sampler, collator, workers, False))
    assert torch.equal(torch.get_rng_state(), before)
    assert [batch["step"] for batch in loaded] == [0, 1, 2, 3]


def test_pages_stand_for_their_passages(examples: ExampleSet) -> None:
    assert {page_of(id) for id in examples[0].positive_ids} == {"p0"}
