from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hyper_ir.encode.export import main
from hyper_ir.encode.grafting import SampleConfig, graft
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompt_initialisation import new_prompts
from hyper_ir.models.retriever import Retriever
from hyper_ir.models.sentence_transformers_export import save_sentence_transformers
from tests.tiny_models import FAMILIES, TEXTS, save_checkpoint

LONG = " ".join(TEXTS)

SETTINGS = [("max", "relu"), ("sum", "relu"), ("max", "log1p_relu")]


def lexical(folder: Path, family: str = "bert", lengths: tuple[int, int] = (9, 23)) -> Retriever:
    retriever = Retriever.from_pretrained(save_checkpoint(folder, family))
    query, document = lengths
    config = replace(retriever.config, query_max_length=query, document_max_length=document)
    retriever.config = config
    return retriever


def vectors(retriever: Retriever, texts: list[str], length: int) -> torch.Tensor:
    batch = retriever.tokenizer(
        texts, padding=True, truncation=True, max_length=length, return_tensors="pt"
    )
    with torch.inference_mode():
        result = retriever(batch["input_ids"], batch["attention_mask"])
    assert isinstance(result, torch.Tensor)
    return result


@pytest.mark.parametrize("family", FAMILIES)
def test_sentence_transformers_gives_our_vectors(tmp_path: Path, family: str) -> None:
    from sentence_transformers import SparseEncoder

    ours = lexical(tmp_path / "checkpoint", family)
    save_sentence_transformers(ours, tmp_path / "out")
    theirs = SparseEncoder(str(tmp_path / "out"), device="cpu", local_files_only=True)
    texts = [*TEXTS, LONG]
    for encode, length in (
        (theirs.encode, 23),
        (theirs.encode_document, 23),
        (theirs.encode_query, 9),
    ):
        found = encode(texts, convert_to_sparse_tensor=False)
        torch.testing.assert_close(found, vectors(ours, texts, length), rtol=1e-4, atol=1e-5)
    assert theirs.get_embedding_dimension() == ours.document.head.width


@pytest.mark.parametrize(("pooling", "activation"), SETTINGS)
def test_pooling_and_activation_go_along(tmp_path: Path, pooling: str, activation: str) -> None:
    from sentence_transformers import SparseEncoder

    ours = lexical(tmp_path / "checkpoint")
    ours.config = replace(ours.config, lexical_pooling=pooling, activation=activation)  # type: ignore[arg-type]
    ours.save_pretrained(tmp_path / "ours")
    ours = Retriever.from_pretrained(tmp_path / "ours")
    save_sentence_transformers(ours, tmp_path / "out")
    theirs = SparseEncoder(str(tmp_path / "out"), device="cpu", local_files_only=True)
    found = theirs.encode(TEXTS, convert_to_sparse_tensor=False)
    torch.testing.assert_close(found, vectors(ours, TEXTS, 23), rtol=1e-4, atol=1e-5)


def test_the_files_are_those_that_sentence_transformers_writes(tmp_path: Path) -> None:
    from sentence_transformers import SparseEncoder

    save_sentence_transformers(lexical(tmp_path / "checkpoint"), tmp_path / "out")
    theirs = SparseEncoder(str(tmp_path / "out"), device="cpu", local_files_only=True)
    theirs.save_pretrained(str(tmp_path / "again"), create_model_card=False)

    def read(folder: str, name: str) -> object:
        value = json.loads((tmp_path / folder / name).read_text())
        if isinstance(value, dict):
            for key in ("__version__", "max_seq_length"):
                value.pop(key, None)
        return value

    for name in (
        "modules.json",
        "config_sentence_transformers.json",
        "sentence_bert_config.json",
        "1_SpladePooling/config.json",
    ):
        assert read("out", name) == read("again", name), name


def test_the_folder_comes_back_as_the_same_retriever(tmp_path: Path) -> None:
    ours = lexical(tmp_path / "checkpoint", lengths=(23, 23))
    save_sentence_transformers(ours, tmp_path / "out")
    again = Retriever.from_pretrained(tmp_path / "out")
    assert again.weights_hash == ours.weights_hash
    assert replace(again.config, name=ours.config.name) == ours.config


def test_retrievers_that_are_more_than_a_sparse_encoder_are_refused(tmp_path: Path) -> None:
    plain = lexical(tmp_path / "checkpoint")
    config = PromptConfig(
        prompts=2, length=2, query_hidden=4, prefix_hidden=4, initialisation="normal"
    )
    prompted = plain.with_prompts(new_prompts(config, plain.query.backbone))
    dense = Retriever.from_pretrained(save_checkpoint(tmp_path / "dense", masked_lm=False))
    sample = SampleConfig(tokens=2000, max_length=32)
    texts = [f"{a} {b}" for a in TEXTS for b in TEXTS]
    grafted, _ = graft(str(tmp_path / "dense"), texts, sample=sample, progress=False)
    own = plain.with_prompts(None, own_backbone=True)
    for retriever, why in (
        (prompted, "prefix of prompts"),
        (dense, "dense"),
        (grafted, "grafted"),
        (own, "towers of their own"),
    ):
        with pytest.raises(ValueError, match=rf"cannot be a sentence-transformers .*: .*{why}"):
            save_sentence_transformers(retriever, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_verb_names_the_folder_that_was_given(tmp_path: Path) -> None:
    plain = lexical(tmp_path / "base")
    config = PromptConfig(
        prompts=2, length=2, query_hidden=4, prefix_hidden=4, initialisation="normal"
    )
    given = tmp_path / "trained"
    plain.with_prompts(new_prompts(config, plain.query.backbone)).save_pretrained(given)
    with pytest.raises(ValueError, match="cannot be a sentence-transformers") as caught:
        main(["--encoder", str(given), "--output", str(tmp_path / "out")])
    assert str(caught.value).startswith(f"{given} cannot be")


def test_the_verb_writes_a_folder_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, output = str(save_checkpoint(tmp_path / "checkpoint")), tmp_path / "out"
    main(["--encoder", model, "--output", str(output)])
    assert "SparseEncoder" in capsys.readouterr().out
    with pytest.raises(ValueError, match="exists already"):
        main(["--encoder", model, "--output", str(output)])
    main(["--encoder", model, "--output", str(output), "--overwrite"])
    assert Retriever.from_pretrained(output).config.head == "lexical"
