from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from hyper_ir.models.retriever import Retriever
from tests.tiny_models import FAMILIES, TEXTS, save_checkpoint


def naive_splade(folder: Path, texts: list[str]) -> torch.Tensor:
    """SPLADE-max as the paper writes it: all logits, log(1 + ReLU), masked, maximum over tokens."""
    model = AutoModelForMaskedLM.from_pretrained(folder).eval()
    batch = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
    mask = batch["attention_mask"]
    with torch.inference_mode():
        logits = model(input_ids=batch["input_ids"], attention_mask=mask).logits
    weights: torch.Tensor = torch.log(1 + torch.relu(logits)) * mask.unsqueeze(-1)
    return weights.amax(dim=1)


def encoded(retriever: Retriever, texts: list[str]) -> torch.Tensor:
    batch = retriever.tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        vectors: torch.Tensor = retriever(batch["input_ids"], batch["attention_mask"])
    return vectors


@pytest.mark.parametrize("family", FAMILIES)
def test_lexical_vectors_equal_the_naive_head(tmp_path: Path, family: str) -> None:
    folder = save_checkpoint(tmp_path / family, family)
    expected = naive_splade(folder, TEXTS)
    assert 0.05 < (expected > 0).float().mean() < 0.95  # neither all nothing nor all something
    torch.testing.assert_close(encoded(Retriever.from_pretrained(folder), TEXTS), expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_retriever_comes_back_the_same(tmp_path: Path, family: str) -> None:
    first = Retriever.from_pretrained(save_checkpoint(tmp_path / "checkpoint", family))
    before = encoded(first, TEXTS)
    first.save_pretrained(tmp_path / "saved")
    again = Retriever.from_pretrained(tmp_path / "saved")
    torch.testing.assert_close(encoded(again, TEXTS), before, rtol=0, atol=0)
    torch.testing.assert_close(
        encoded(first, TEXTS), before, rtol=0, atol=0
    )  # saving harms nothing
    assert again.vocabulary_hash == first.vocabulary_hash
    assert again.weights_hash == first.weights_hash


def test_no_name_tells_where_a_model_lay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = save_checkpoint(tmp_path / "home" / "splade")
    first = Retriever.from_pretrained(private)
    assert (first.config.name, first.called) == ("splade", str(private))
    first.save_pretrained(tmp_path / "saved")
    assert str(tmp_path) not in (tmp_path / "saved" / "retriever.json").read_text()
    assert str(tmp_path) not in (tmp_path / "saved" / "hyper_ir.manifest").read_text()
    settings = json.loads((tmp_path / "saved" / "retriever.json").read_text())
    settings["name"] = "/home/them/splade+graft"
    (tmp_path / "saved" / "retriever.json").write_text(json.dumps(settings))
    again = Retriever.from_pretrained(tmp_path / "saved")
    assert again.manifest().model["name"] == again.config.name == "splade+graft"
    assert again.called == str(tmp_path / "saved")
    assert again.with_prompts(None).called == again.called
    monkeypatch.chdir(private)
    assert Retriever.from_pretrained(".").config.name == "splade"


def test_the_saved_tower_is_a_checkpoint_that_transformers_loads(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "checkpoint")
    Retriever.from_pretrained(folder).save_pretrained(tmp_path / "saved")
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "saved" / "document")
    original = AutoModelForMaskedLM.from_pretrained(folder)
    for name, weight in original.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], weight, rtol=0, atol=0)


def test_two_towers_are_kept_apart(tmp_path: Path) -> None:
    query = Retriever.from_pretrained(save_checkpoint(tmp_path / "a", seed=1))
    document = Retriever.from_pretrained(save_checkpoint(tmp_path / "b", seed=2))
    config = type(query.config)(**{**query.config.__dict__, "shared": False})
    Retriever(query.query, document.document, query.tokenizer, config).save_pretrained(
        tmp_path / "c"
    )
    both = Retriever.from_pretrained(tmp_path / "c")
    batch = both.tokenizer(TEXTS, padding=True, return_tensors="pt")
    ids, mask = batch["input_ids"], batch["attention_mask"]
    with torch.inference_mode():
        torch.testing.assert_close(both(ids, mask, "query"), query(ids, mask, "query"))
        torch.testing.assert_close(both(ids, mask, "document"), document(ids, mask, "document"))
        assert not torch.allclose(both(ids, mask, "query"), both(ids, mask, "document"))


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize("normalise", [False, True])
def test_dense_vectors_equal_the_naive_pooling(
    tmp_path: Path, pooling: str, normalise: bool
) -> None:
    folder = save_checkpoint(tmp_path / "encoder", masked_lm=False)
    retriever = Retriever.from_pretrained(folder, dense_pooling=pooling, normalise=normalise)  # type: ignore[arg-type]
    model = AutoModel.from_pretrained(folder).eval()
    for text, vector in zip(TEXTS, encoded(retriever, TEXTS), strict=True):
        with torch.inference_mode():
            states = model(**retriever.tokenizer([text], return_tensors="pt")).last_hidden_state[0]
        expected = states[0] if pooling == "cls" else states.mean(dim=0)
        expected = expected / expected.norm() if normalise else expected
        torch.testing.assert_close(vector, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("settings", [("max", "relu"), ("sum", "relu"), ("max", "log1p_relu")])
def test_a_sentence_transformers_sparse_encoder_gives_its_own_vectors(
    tmp_path: Path, settings: tuple[str, str]
) -> None:
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sparse_encoder.modules import SpladePooling, Transformer

    folder = save_checkpoint(tmp_path / "checkpoint")
    theirs = SparseEncoder(
        modules=[
            Transformer(str(folder), transformer_task="fill-mask"),
            SpladePooling(settings[0], settings[1]),
        ],
        device="cpu",
    )
    theirs.save_pretrained(str(tmp_path / "sparse"))
    ours = Retriever.from_pretrained(tmp_path / "sparse")
    expected = theirs.encode(TEXTS, convert_to_sparse_tensor=False)
    torch.testing.assert_close(encoded(ours, TEXTS), expected, rtol=1e-4, atol=1e-5)


def test_dpr_towers_give_their_first_token(tmp_path: Path) -> None:
    from transformers import DPRConfig, DPRContextEncoder, DPRQuestionEncoder

    from tests.tiny_models import tokenizer

    made = tokenizer("bert")
    for kind in (DPRContextEncoder, DPRQuestionEncoder):
        torch.manual_seed(3)
        settings = DPRConfig(
            vocab_size=len(made),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=48,
            max_position_embeddings=64,
        )
        model = kind(settings).eval()
        folder = tmp_path / kind.__name__
        model.save_pretrained(folder)
        made.save_pretrained(folder)
        batch = made(TEXTS[:3], padding=True, return_tensors="pt", return_token_type_ids=False)
        with torch.inference_mode():
            expected = model(**batch).pooler_output
        torch.testing.assert_close(encoded(Retriever.from_pretrained(folder), TEXTS[:3]), expected)


def test_what_cannot_be_a_retriever_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no folder"):
        Retriever.from_pretrained(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no config\.json"):
        Retriever.from_pretrained(tmp_path / "empty")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="is a file"):
        Retriever.from_pretrained(tmp_path / "file")
    encoder = save_checkpoint(tmp_path / "encoder", masked_lm=False)
    with pytest.raises(ValueError, match="no masked-LM head"):
        Retriever.from_pretrained(encoder, head="lexical")


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "checkpoint")
    weights = load_file(folder / "model.safetensors")
    name = "bert.encoder.layer.0.output.dense.weight"

    broken = {**weights, name: weights[name].clone().fill_(float("nan"))}
    save_file(broken, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="NaN"):
        Retriever.from_pretrained(folder)

    del broken[name]
    save_file(broken, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=f"missing: {name}"):
        Retriever.from_pretrained(folder)

    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="not a model that can be loaded"):
        Retriever.from_pretrained(folder)

    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ValueError, match="pickled"):
        Retriever.from_pretrained(folder)


def test_a_retriever_with_unknown_settings_is_refused(tmp_path: Path) -> None:
    Retriever.from_pretrained(save_checkpoint(tmp_path / "a")).save_pretrained(tmp_path / "b")
    path = tmp_path / "b" / "retriever.json"
    settings = json.loads(path.read_text())
    path.write_text(json.dumps({**settings, "prefix_lenght": 100}))
    with pytest.raises(ValueError, match="prefix_lenght"):
        Retriever.from_pretrained(tmp_path / "b")
    path.write_text(json.dumps({**settings, "format": 99}))
    with pytest.raises(ValueError, match="format 99"):
        Retriever.from_pretrained(tmp_path / "b")


def test_an_existing_folder_is_not_overwritten_unasked(tmp_path: Path) -> None:
    retriever = Retriever.from_pretrained(save_checkpoint(tmp_path / "a"))
    retriever.save_pretrained(tmp_path / "b")
    with pytest.raises(ValueError, match="exists already"):
        retriever.save_pretrained(tmp_path / "b")
    retriever.save_pretrained(tmp_path / "b", overwrite=True)
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


def test_an_encoder_without_a_pooler_is_the_same_model_at_each_load(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "mlm")  # a masked LM saves none
    first = Retriever.from_pretrained(folder, head="dense")
    again = Retriever.from_pretrained(folder, head="dense")
    assert first.weights_hash == again.weights_hash
    first.save_pretrained(tmp_path / "saved")
    saved = Retriever.from_pretrained(tmp_path / "saved")
    assert saved.weights_hash == first.weights_hash
