from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hyper_ir.encode.engine import Engine, EngineConfig, choose_device
from hyper_ir.encode.impacts import Quantiser
from hyper_ir.models.prompt_config import Mix, PromptConfig
from hyper_ir.models.prompt_initialisation import new_prompts
from hyper_ir.models.retriever import Retriever
from tests.tiny_models import TEXTS, close, save_checkpoint


@pytest.fixture(scope="module")
def retriever(tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    return Retriever.from_pretrained(save_checkpoint(tmp_path_factory.mktemp("models") / "bert"))


def one_by_one(retriever: Retriever, texts: list[str]) -> list[object]:
    engine = Engine(retriever, "document", EngineConfig(batch_size=1, max_length=32))
    return [engine.encode([text])[0] for text in texts]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(TEXTS), max_size=12), st.integers(1, 5))
def test_batches_and_their_order_change_nothing(
    retriever: Retriever, texts: list[str], batch_size: int
) -> None:
    engine = Engine(retriever, "document", EngineConfig(batch_size=batch_size, max_length=32))
    together = engine.encode(texts)
    assert close(together, one_by_one(retriever, texts))


def test_a_stream_keeps_order_and_items(retriever: Retriever) -> None:
    engine = Engine(retriever, "document", EngineConfig(batch_size=1, max_length=32))
    numbers = list(range(40))  # more than two windows
    pairs = list(engine.stream(iter(numbers), lambda i: TEXTS[i % len(TEXTS)]))
    assert [number for number, _ in pairs] == numbers
    expected = one_by_one(retriever, TEXTS)
    vectors = [vector for _, vector in pairs]
    assert close(vectors, [expected[i % len(TEXTS)] for i in numbers])


def test_a_stream_reads_one_window_ahead_and_no_more(retriever: Retriever) -> None:
    engine = Engine(retriever, "document", EngineConfig(batch_size=1, max_length=32))
    read = 0

    def endless() -> object:
        nonlocal read
        while True:
            read += 1
            yield TEXTS[0]

    stream = engine.stream(endless(), str)  # type: ignore[arg-type]
    next(stream)
    assert read == engine.window


def test_texts_are_cut_at_the_maximum_length(retriever: Retriever) -> None:
    long = "zebras graze " * 2000
    engine = Engine(retriever, "query", EngineConfig(max_length=10))
    assert close(engine.encode([long]), engine.encode(["zebras graze " * 40]))


def test_pairs_get_the_separator(retriever: Retriever) -> None:
    engine = Engine(retriever, "document", EngineConfig(max_length=32))
    joined, pair = engine.encode([TEXTS[0] + " " + TEXTS[3], (TEXTS[0], TEXTS[3])])
    assert joined != pair


def test_top_k_keeps_the_heaviest(retriever: Retriever) -> None:
    all_terms = Engine(retriever, "query", EngineConfig(max_length=32)).encode(TEXTS[:1])[0]
    few = Engine(retriever, "query", EngineConfig(max_length=32), Quantiser(top_k=5)).encode(
        TEXTS[:1]
    )[0]
    assert isinstance(all_terms, dict)
    assert isinstance(few, dict)
    assert list(few.items()) == list(all_terms.items())[:5]
    assert list(all_terms.values()) == sorted(all_terms.values(), reverse=True)


def test_dense_vectors_come_as_rows(tmp_path: Path) -> None:
    dense = Retriever.from_pretrained(save_checkpoint(tmp_path / "dense", masked_lm=False))
    vectors = Engine(dense, "document", EngineConfig(max_length=32)).encode(TEXTS)
    assert all(isinstance(vector, np.ndarray) and vector.shape == (32,) for vector in vectors)


def test_settings_that_cannot_be_met_are_refused_before_work(retriever: Retriever) -> None:
    with pytest.raises(ValueError, match="64 positions"):
        Engine(retriever, "query", EngineConfig(max_length=65))
    with pytest.raises(ValueError, match="batch size"):
        EngineConfig(batch_size=0)
    with pytest.raises(ValueError, match="fp16 needs a GPU"):
        Engine(retriever, "query", EngineConfig(device="cpu", fp16=True))
    with pytest.raises(ValueError, match="device"):
        choose_device("gpu")
    with pytest.raises(ValueError, match="not there"):
        choose_device("cuda:99")


@pytest.mark.parametrize("mix", ["prefix", "prompt"])
def test_an_engine_encodes_prompts_once_where_they_can_be(tmp_path: Path, mix: Mix) -> None:
    plain = Retriever.from_pretrained(save_checkpoint(tmp_path / "bert"))
    config = PromptConfig(
        prompts=7, length=4, query_hidden=8, prefix_hidden=6, initialisation="normal", mix=mix
    )
    prompts = new_prompts(config, plain.query.backbone)
    retriever = plain.with_prompts(prompts)
    batch = retriever.tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        before = retriever.query.encode(batch["input_ids"], batch["attention_mask"])
    made = Engine(retriever, "query", EngineConfig(max_length=32))
    rows: list[int] = []
    prompts.prefix_down.register_forward_hook(
        lambda module, given, result: rows.append(len(result))
    )
    with torch.inference_mode():
        after = retriever.query.encode(batch["input_ids"], batch["attention_mask"])
    torch.testing.assert_close(after.vectors, before.vectors)
    rows.clear()
    first = made.encode(TEXTS)
    if mix == "prefix":
        assert rows == []
    else:
        assert sum(rows) == len(TEXTS)  # each query's mixture, never the N prompts
    # Training on, and with it other prompts, is seen by the next encoding.
    retriever.train()
    with torch.no_grad():
        prompts.prompts.mul_(3)
    retriever.eval()
    changed = made.encode(TEXTS)
    assert not close(changed, first)
    again = Engine(retriever, "query", EngineConfig(max_length=32))
    assert close(changed, again.encode(TEXTS))
