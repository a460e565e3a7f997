from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModel

from hyper_ir.models.backbone import Backbone
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompt_initialisation import new_prompts
from hyper_ir.models.prompts import PromptSynthesiser
from hyper_ir.models.retriever import Retriever
from hyper_ir.models.towers import Tower
from tests.tiny_models import FAMILIES, HIDDEN, TEXTS, save_checkpoint

CONFIG = PromptConfig(
    prompts=3, length=4, query_hidden=8, prefix_hidden=6, bias=True, initialisation="normal"
)


def prompted(folder: Path, family: str = "bert", own_backbone: bool = False) -> Retriever:
    retriever = Retriever.from_pretrained(save_checkpoint(folder, family))
    prompts = new_prompts(CONFIG, retriever.query.backbone)
    return retriever.with_prompts(prompts, own_backbone)


def encoded(retriever: Retriever, side: str) -> torch.Tensor:
    batch = retriever.tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        vectors = retriever(batch["input_ids"], batch["attention_mask"], side)
    assert isinstance(vectors, torch.Tensor)
    return vectors


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("own_backbone", [False, True])
def test_a_saved_retriever_with_prompts_comes_back(
    tmp_path: Path, family: str, own_backbone: bool
) -> None:
    retriever = prompted(tmp_path / "checkpoint", family, own_backbone)
    retriever.save_pretrained(tmp_path / "saved")
    assert (tmp_path / "saved" / "query" / "config.json").exists() == own_backbone
    loaded = Retriever.from_pretrained(tmp_path / "saved")
    assert loaded.config == retriever.config
    assert loaded.config.prompts
    assert loaded.weights_hash == retriever.weights_hash
    for side in ("query", "document"):
        assert torch.equal(encoded(loaded, side), encoded(retriever, side))
    again = tmp_path / "again"
    loaded.save_pretrained(again)
    assert Retriever.from_pretrained(again).weights_hash == retriever.weights_hash


def test_prompts_change_queries_and_leave_documents_as_they_were(tmp_path: Path) -> None:
    retriever = prompted(tmp_path / "checkpoint")
    plain = Retriever.from_pretrained(tmp_path / "checkpoint")
    assert torch.equal(encoded(retriever, "document"), encoded(plain, "document"))
    difference = (encoded(retriever, "query") - encoded(plain, "query")).abs().amax(1)
    assert (difference > 1e-3).all()
    without = retriever.with_prompts(None)
    assert without.config == plain.config
    assert torch.equal(encoded(without, "query"), encoded(plain, "query"))
    assert retriever.weights_hash != without.weights_hash


def test_encoding_tells_the_prompt_attention(tmp_path: Path) -> None:
    retriever = prompted(tmp_path / "a")
    batch = retriever.tokenizer(TEXTS[:3], padding=True, return_tensors="pt")
    ids, mask = batch["input_ids"], batch["attention_mask"]
    vectors, attention = retriever.query.encode(ids, mask)
    assert torch.equal(vectors, retriever(ids, mask, "query"))
    assert attention is not None
    torch.testing.assert_close(attention.sum(1), torch.ones(3))
    assert retriever.document.encode(ids, mask).prompt_attention is None
    attention[:, 0].sum().backward()  # type: ignore[no-untyped-call]
    table = retriever.query.backbone.word_embeddings
    assert table.grad is not None
    assert set(table.grad.abs().sum(1).nonzero().flatten().tolist()) <= set(ids[mask > 0].tolist())


def test_a_frozen_backbone_lets_prompts_alone_learn(tmp_path: Path) -> None:
    retriever = prompted(tmp_path / "a")
    retriever.requires_grad_(False)
    prompts = retriever.query.prompts
    assert prompts is not None
    prompts.requires_grad_(True)
    retriever.train()
    retriever.query.backbone.model.gradient_checkpointing_enable({"use_reentrant": False})
    batch = retriever.tokenizer(TEXTS[:3], padding=True, return_tensors="pt")
    retriever(batch["input_ids"], batch["attention_mask"], "query").sum().backward()
    gradients = [one.grad is not None and bool(one.grad.any()) for one in prompts.parameters()]
    assert all(gradients)
    others = [p for name, p in retriever.named_parameters() if ".prompts." not in name]
    assert all(parameter.grad is None for parameter in others)


def test_prompts_that_were_lost_or_came_from_elsewhere_are_refused(tmp_path: Path) -> None:
    retriever = prompted(tmp_path / "a")
    retriever.save_pretrained(tmp_path / "b")
    settings = json.loads((tmp_path / "b" / "retriever.json").read_text())
    (tmp_path / "b" / "retriever.json").write_text(json.dumps({**settings, "prompts": False}))
    with pytest.raises(ValueError, match="prompts are there"):
        Retriever.from_pretrained(tmp_path / "b")
    (tmp_path / "b" / "retriever.json").write_text(json.dumps(settings))
    (tmp_path / "b" / "query" / "prompts.json").unlink()
    with pytest.raises(ValueError, match=r"prompts\.json"):
        Retriever.from_pretrained(tmp_path / "b")


def test_towers_and_prompts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    retriever = prompted(tmp_path / "a")
    query, document, tokenizer = retriever.query, retriever.document, retriever.tokenizer
    for size, layers in ((HIDDEN, 3), (HIDDEN + 2, 2)):
        with pytest.raises(ValueError, match=f"{layers} layers of {size} components"):
            retriever.with_prompts(PromptSynthesiser(CONFIG, size, layers))
    with pytest.raises(ValueError, match="for queries alone"):
        Retriever(query, query, tokenizer, retriever.config)
    with pytest.raises(ValueError, match="says prompts: True"):
        Retriever(document, document, tokenizer, retriever.config)
    other = Backbone(AutoModel.from_pretrained(tmp_path / "a", attn_implementation="eager"))
    with pytest.raises(ValueError, match="one backbone and head"):
        Retriever(Tower(other, query.head, query.prompts), document, tokenizer, retriever.config)
