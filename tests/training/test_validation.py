from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from hyper_ir.data.corpus import open_corpus
from hyper_ir.data.examples import TrainingExample
from hyper_ir.data.records import Hit
from hyper_ir.encode.engine import Engine
from hyper_ir.models.retriever import Retriever
from hyper_ir.training.token_store import TokenStore
from hyper_ir.training.validation import EncodedPool, Validation
from tests.tiny_models import save_checkpoint
from tests.training.small_run import write_corpus


@dataclass
class Fixed:
    """A pool that finds the same for everybody."""

    found: list[str]

    def rank(self, retriever: Retriever, queries: Tensor) -> list[list[Hit]]:
        return [[Hit(id, -float(place)) for place, id in enumerate(self.found)] for _ in queries]


@pytest.fixture(scope="module")
def retriever(tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    return Retriever.from_pretrained(save_checkpoint(tmp_path_factory.mktemp("m") / "m"))


EXAMPLES = [
    TrainingExample("1", "sparse vectors", "a", ("p1#0",)),
    TrainingExample("2", "zebras", "a", ("p2#3", "p2#4")),
    TrainingExample("1", "graze", "b", ("p9#0",)),
    TrainingExample("2", "graze", "b", ("p7#0",), gold_ids=("p6", "p2")),
]


def test_pages_are_scored_task_by_task(retriever: Retriever) -> None:
    found = ["p1#7", "p1#0", "p2#0"]
    scores = Validation(EXAMPLES, Fixed(found), "RR")(retriever)
    assert scores["validation/a"] == pytest.approx((1 + 1 / 2) / 2), "passages count as their page"
    assert scores["validation/b"] == pytest.approx((0 + 1 / 2) / 2), "all gold pages count"
    assert scores["validation/mean"] == pytest.approx(0.5)
    assert scores["validation/active_terms"] > 0


def test_an_unknown_measure_is_refused(retriever: Retriever) -> None:
    with pytest.raises(ValueError, match="nGCD@10"):
        Validation(EXAMPLES, Fixed([]), "nGCD@10")


def test_training_mode_stays_as_it_was(retriever: Retriever) -> None:
    retriever.train()
    Validation(EXAMPLES, Fixed(["p1#0"]), "RR")(retriever)
    assert retriever.training
    retriever.eval()


def test_an_encoded_pool_ranks_by_inner_product(retriever: Retriever, tmp_path: Path) -> None:
    corpus = open_corpus(str(write_corpus(tmp_path)))
    store = TokenStore.build(tmp_path / "store", corpus, retriever.tokenizer, 32)
    passages = list(corpus)
    ids = [passage.id for passage in passages]
    with torch.inference_mode():
        texts = ["sparse vectors prefix", "zebras"]
        engine = Engine(retriever, "query")
        rows = retriever.tokenizer(texts, padding=True, return_tensors="pt")
        queries = engine.tower(rows["input_ids"], rows["attention_mask"])
        ranked = EncodedPool(store, ids).rank(retriever, queries)
        rows = retriever.tokenizer(
            [passage.contents.replace("\n", " ") for passage in passages],
            padding=True,
            return_tensors="pt",
        )
        documents = retriever.document(rows["input_ids"], rows["attention_mask"])
        expected = queries @ documents.T
    for hits, scores in zip(ranked, expected, strict=True):
        assert len(hits) == len(ids)
        values = torch.tensor([hit.score for hit in hits])
        assert torch.all(values[:-1] >= values[1:])
        for hit in hits:
            assert hit.score == pytest.approx(float(scores[ids.index(hit.doc_id)]), rel=1e-4)
