from __future__ import annotations

from typing import Any

import pytest
import torch

from hyper_ir.encode import precision
from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.precision import can_be_packed, chosen_type, in_type
from hyper_ir.models.retriever import Retriever
from tests.tiny_models import FAMILIES, TEXTS, save_checkpoint

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=FAMILIES)
def retriever(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("models") / request.param
    return Retriever.from_pretrained(save_checkpoint(folder, request.param))


def with_bfloat16(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setattr(precision, "has_fast_bfloat16", lambda device: there)


def test_fast_is_half_precision_only_where_the_machine_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_bfloat16(monkeypatch, True)
    assert chosen_type("fast", CPU) == torch.bfloat16
    assert chosen_type("exact", CPU) == torch.float32
    with_bfloat16(monkeypatch, False)
    assert chosen_type("fast", CPU) == torch.float32
    with pytest.raises(ValueError, match="'quick' is none of exact, fast"):
        chosen_type("quick", CPU)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="fp16 needs a GPU"):
        chosen_type("exact", CPU, fp16=True)


def test_fast_is_near_exact_and_leaves_the_model_as_it_was(
    retriever: Retriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bfloat16(monkeypatch, True)
    before = {name: weight.clone() for name, weight in retriever.state_dict().items()}
    exact = Engine(retriever, "document", EngineConfig(max_length=32))
    fast = Engine(retriever, "document", EngineConfig(max_length=32, mode="fast"))
    assert (exact.mode, fast.mode) == ("exact", "fast")
    halves = {weight.dtype for weight in fast.tower.backbone.parameters()}
    assert halves == {torch.bfloat16}
    assert {weight.dtype for weight in fast.tower.head.parameters()} == {torch.float32}
    config = fast.manifest("vectors").config
    assert (config["mode"], config["precision"]) == ("fast", "bfloat16")
    for first, second in zip(exact.encode(TEXTS), fast.encode(TEXTS), strict=True):
        assert isinstance(first, dict)
        assert isinstance(second, dict)
        near = [abs(first.get(term, 0) - second.get(term, 0)) for term in {*first, *second}]
        assert not near or max(near) <= 25  # of some 200; random weights amplify rounding
    assert exact.encode(TEXTS) == Engine(retriever, "document", EngineConfig(max_length=32)).encode(
        TEXTS
    )
    for name, weight in retriever.state_dict().items():
        assert weight.dtype == before[name].dtype
        assert weight.equal(before[name])


def test_without_half_precision_fast_says_that_it_is_exact(
    retriever: Retriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bfloat16(monkeypatch, False)
    engine = Engine(retriever, "document", EngineConfig(max_length=32, mode="fast"))
    assert engine.manifest("vectors").config["mode"] == "exact"


def test_texts_are_packed_on_gpus_in_half_precision_alone(retriever: Retriever) -> None:
    tower = in_type(retriever.document, torch.bfloat16)
    assert not can_be_packed(tower, CPU, torch.bfloat16)
    assert not can_be_packed(tower, torch.device("cuda"), torch.float32)
    assert can_be_packed(tower, torch.device("cuda"), torch.bfloat16)


def test_packed_texts_give_the_impacts_of_padded_ones(retriever: Retriever) -> None:
    plain = Engine(retriever, "document", EngineConfig(max_length=32))
    packed = Engine(retriever, "document", EngineConfig(max_length=32))
    packed.tower = in_type(packed.tower, torch.float64)  # a copy
    packed.tower.backbone.float()
    packed.packs = can_be_packed(packed.tower, torch.device("cuda"), torch.bfloat16)
    assert packed.packs
    texts = [text for text in TEXTS if text.strip()]
    for first, second in zip(plain.encode(texts), packed.encode(texts), strict=True):
        assert isinstance(first, dict)
        assert isinstance(second, dict)
        assert all(abs(first.get(t, 0) - second.get(t, 0)) <= 1 for t in {*first, *second})
        assert len(first) > 10
