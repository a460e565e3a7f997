from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from hyper_ir.encode.backbone import main
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompt_initialisation import new_prompts
from hyper_ir.models.retriever import Retriever
from tests.tiny_models import TEXTS, save_checkpoint

CONFIG = PromptConfig(prompts=4, length=3, query_hidden=8, prefix_hidden=4, initialisation="normal")


def trained(folder: Path, own_backbone: bool) -> Retriever:
    """With prompts, and a query encoder that training moved where it is one of its own."""
    plain = Retriever.from_pretrained(save_checkpoint(folder / "checkpoint"))
    prompts = new_prompts(CONFIG, plain.query.backbone)
    retriever = plain.with_prompts(prompts, own_backbone=own_backbone)
    if own_backbone:
        with torch.no_grad():
            for weight in retriever.query.backbone.parameters():
                weight.mul_(1.5)
    return retriever


def vectors(retriever: Retriever, side: str) -> Tensor:
    batch = retriever.tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        found = retriever(batch["input_ids"], batch["attention_mask"], side)
    assert isinstance(found, Tensor)
    return found


@pytest.mark.parametrize("own_backbone", [False, True])
def test_both_sides_are_the_document_encoder(
    tmp_path: Path, own_backbone: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    before = trained(tmp_path, own_backbone)
    before.save_pretrained(tmp_path / "hyper")
    main(["--model", str(tmp_path / "hyper"), "--output", str(tmp_path / "backbone")])
    assert f"--model {tmp_path / 'backbone'} " in capsys.readouterr().out
    after = Retriever.from_pretrained(tmp_path / "backbone")
    assert after.config.shared
    assert after.query.prompts is None
    assert after.document_hash == before.document_hash
    for side in ("query", "document"):
        torch.testing.assert_close(vectors(after, side), vectors(before, "document"))
    assert not torch.allclose(vectors(before, "query"), vectors(before, "document"))
    assert (tmp_path / "hyper" / "query").exists()


def test_a_dense_backbone_is_handed_on_to_its_own_recipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dense = str(save_checkpoint(tmp_path / "dense", masked_lm=False))
    main(["--model", dense, "--output", str(tmp_path / "backbone")])
    assert "--config mini-kilt-dpr " in capsys.readouterr().out
    assert Retriever.from_pretrained(tmp_path / "backbone").config.head == "dense"


def test_an_existing_folder_is_refused_before_the_model_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(ValueError, match="exists already; --overwrite"):
        main(["--model", "no/such/model/anywhere", "--output", str(tmp_path / "there")])


def test_nothing_but_another_model_is_replaced(tmp_path: Path) -> None:
    plain = save_checkpoint(tmp_path / "plain")
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "thesis.txt").write_text("mine")
    words = ["--model", str(plain), "--overwrite", "--output"]
    with pytest.raises(ValueError, match=r"notes is not a model .* it is left alone"):
        main([*words, str(notes)])
    assert (notes / "thesis.txt").read_text() == "mine"
    with pytest.raises(ValueError, match="plain is an input"):
        main([*words, str(plain)])
    other = save_checkpoint(tmp_path / "other", seed=2)
    main([*words, str(other)])
    assert Retriever.from_pretrained(other).config.shared


def test_the_shipped_models_backbone_encodes_documents_as_it_does(tmp_path: Path) -> None:
    main(["--model", "hyper_ir:hyper-minilm", "--output", str(tmp_path / "backbone")])
    shipped = Retriever.from_pretrained("hyper_ir:hyper-minilm")
    backbone = Retriever.from_pretrained(tmp_path / "backbone")
    assert backbone.document_hash == shipped.document_hash
    torch.testing.assert_close(vectors(backbone, "query"), vectors(shipped, "document"))
