from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from hyper_ir.compaction.coding import code
from hyper_ir.compaction.precision import Precision
from hyper_ir.compaction.writing import save_compact
from hyper_ir.encode.engine import Engine
from hyper_ir.files import sha256_of
from hyper_ir.manifest import read_manifest
from hyper_ir.models.retriever import Retriever
from tests.compaction.models import grafted, hyper
from tests.tiny_models import FAMILIES, TEXTS, save_checkpoint


def encoded(retriever: Retriever, side: str) -> torch.Tensor:
    batch = retriever.tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        vectors = retriever(batch["input_ids"], batch["attention_mask"], side)
    assert isinstance(vectors, torch.Tensor)
    return vectors


def dense(folder: Path) -> Retriever:
    return Retriever.from_pretrained(save_checkpoint(folder / "dense", masked_lm=False))


KINDS: dict[str, Callable[[Path], Retriever]] = {
    "grafted": grafted,
    "hyper": hyper,
    "hyper, separate": lambda folder: hyper(folder, own_backbone=True),
    "dense": dense,
    **{
        name: lambda folder, name=name: Retriever.from_pretrained(  # type: ignore[misc]
            save_checkpoint(folder / name, name)
        )
        for name in FAMILIES
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_compact_model_loads_as_any_other(tmp_path: Path, kind: str) -> None:
    original = KINDS[kind](tmp_path)
    saved = save_compact(original, tmp_path / "small")
    assert not list((tmp_path / "small" / "document").glob("*.safetensors"))
    loaded = Retriever.from_pretrained(tmp_path / "small")
    assert loaded.config.name == "small"
    assert loaded.vocabulary_hash == original.vocabulary_hash
    for side in ("query", "document"):
        near, exact = encoded(loaded, side), encoded(original, side)
        assert (near - exact).norm() < 0.1 * exact.norm(), side
        assert torch.equal(near, encoded(saved.retriever, side))


@pytest.mark.parametrize("kind", ["grafted", "hyper", "hyper, separate"])
def test_hashes_are_its_own_and_survive_a_full_save(tmp_path: Path, kind: str) -> None:
    original = KINDS[kind](tmp_path)
    saved = save_compact(original, tmp_path / "small")
    loaded = Retriever.from_pretrained(tmp_path / "small")
    assert loaded.weights_hash != original.weights_hash
    assert loaded.document_hash != original.document_hash
    manifest = read_manifest(tmp_path / "small")
    assert manifest is not None
    assert manifest.model["sha256"] == loaded.weights_hash
    assert manifest.model["document"] == loaded.document_hash
    assert manifest.inputs == {"original": {"sha256": original.weights_hash}}
    assert saved.compaction.original == original.weights_hash
    loaded.save_pretrained(tmp_path / "full")
    assert Retriever.from_pretrained(tmp_path / "full").weights_hash == loaded.weights_hash


def test_unquantised_weights_are_the_original_but_for_what_is_never_used(tmp_path: Path) -> None:
    original = hyper(tmp_path, own_backbone=True)
    precision = Precision(32, 32, 32, 32, 32)
    loaded = save_compact(original, tmp_path / "small", precision).retriever
    for name, tensor in original.state_dict().items():
        if ".pooler." not in name:
            torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=1e-5, atol=1e-6)


def test_a_grafted_head_is_a_number_a_row_and_both_towers_are_stored_once(tmp_path: Path) -> None:
    one = code(grafted(tmp_path / "a"), Precision())
    coding = one.codings["document.head.weight"]
    assert (coding.bits, coding.rows) == (0, "document.head.tokens")
    assert coding.base.endswith("word_embeddings.weight")
    assert not any(parts for name, parts in one.stored.items() if name.startswith("query."))
    two = code(hyper(tmp_path / "b", own_backbone=True), Precision())
    stored = {name for name, parts in two.stored.items() if parts and name.startswith("query.")}
    assert all(".encoder." in name or ".prompts." in name for name in stored)
    moved = [two.codings[name] for name in stored if name.endswith("dense.weight")]
    assert moved
    assert {(coding.bits, coding.base[:9]) for coding in moved} == {(4, "document.")}


def test_a_trained_head_is_what_it_has_beyond_its_embeddings(tmp_path: Path) -> None:
    retriever = grafted(tmp_path)
    weight = retriever.document.head.get_parameter("weight")
    with torch.no_grad():
        weight.add_(torch.randn_like(weight) * 0.05 * weight.std())
    coded = code(retriever, Precision())
    coding = coded.codings["document.head.weight"]
    assert (coding.bits, coding.rows) == (4, "document.head.tokens")
    off = (coded.restored["document.head.weight"] - weight).norm() / weight.norm()
    assert off < 0.01


def test_a_query_tower_of_its_own_is_no_difference(tmp_path: Path) -> None:
    retriever = hyper(tmp_path, own_backbone=True, moved=5.0)
    coded = code(retriever, Precision())
    name = "query.backbone.model.encoder.layer.0.output.dense.weight"
    assert (coded.codings[name].base, coded.codings[name].bits) == ("", 8)


def test_sizes_tell_all_that_is_stored(tmp_path: Path) -> None:
    retriever = hyper(tmp_path, own_backbone=True)
    compaction = save_compact(retriever, tmp_path / "small").compaction
    files = [path for path in (tmp_path / "small").rglob("*") if path.is_file()]
    assert compaction.bytes == sum(path.stat().st_size for path in files)
    assert compaction.bytes == sum(part.bytes for part in compaction.parts)
    parts = {part.name: part for part in compaction.parts}
    assert set(parts) == {
        "document embeddings",
        "document head",
        "document transformer",
        "query transformer",
        "prompts",
        "tokenizer, settings",
    }
    assert parts["query transformer"].bits == "4, of the difference"
    assert parts["query transformer"].error < parts["document transformer"].error < 0.01
    fewer = save_compact(retriever, tmp_path / "fewer", Precision.of(["4"])).compaction
    assert fewer.bytes < compaction.bytes
    assert {part.name: part for part in fewer.parts}["prompts"].error > parts["prompts"].error


def test_a_model_that_is_too_large_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"MB are more than 0\.0 MB; the largest part is the"):
        save_compact(grafted(tmp_path), tmp_path / "small", most_bytes=10_000)
    assert not (tmp_path / "small").exists()


def test_impacts_do_not_depend_on_who_loads_it(tmp_path: Path) -> None:
    saved = save_compact(hyper(tmp_path), tmp_path / "small")
    loaded = Retriever.from_pretrained(tmp_path / "small")
    assert Engine(loaded, "query").encode(TEXTS) == Engine(saved.retriever, "query").encode(TEXTS)


def break_layout(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    path = folder / "compact.json"
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def break_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Weights that are wrong, with their right SHA-256."""
    path = folder / "compact.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    break_layout(folder, lambda layout: layout.update(sha256=sha256_of(path)))


EMBEDDINGS = "document.backbone.model.embeddings.word_embeddings.weight"

BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "format": (lambda f: break_layout(f, lambda v: v.update(format=9)), "format 9; 1 is known"),
    "no tensors": (lambda f: break_layout(f, lambda v: v.pop("tensors")), "lists no tensors"),
    "not JSON": (lambda f: (f / "compact.json").write_text("{"), "not readable as JSON"),
    "bits": (
        lambda f: break_layout(f, lambda v: v["tensors"][EMBEDDINGS].update(bits=9)),  # type: ignore[index]
        "bits 9",
    ),
    "key": (
        lambda f: break_layout(f, lambda v: v["tensors"][EMBEDDINGS].update(bitz=9)),  # type: ignore[index]
        "bitz",
    ),
    "shape": (
        lambda f: break_layout(f, lambda v: v["tensors"][EMBEDDINGS].update(shape=[3, 5])),  # type: ignore[index]
        "15 weights in 8 bits",
    ),
    "base": (
        lambda f: break_layout(f, lambda v: v["tensors"][EMBEDDINGS].update(base="nothing")),  # type: ignore[index]
        "nothing is missing",
    ),
    "tensor": (
        lambda f: break_layout(f, lambda v: v["tensors"].pop("document.head.bias")),  # type: ignore[attr-defined]
        r"head\.bias",
    ),
    "weights": (lambda f: (f / "compact.safetensors").unlink(), r"without its compact\.safetens"),
    "flipped": (lambda f: flip(f / "compact.safetensors"), "damaged, or of another model"),
    "codes": (lambda f: break_weights(f, lambda t: t.pop(EMBEDDINGS)), "weight is missing"),
    "scales": (
        lambda f: break_weights(f, lambda t: t[f"{EMBEDDINGS}:scales"].fill_(torch.nan)),
        "NaN or infinity",
    ),
    "rows": (
        lambda f: break_weights(f, lambda t: t["document.head.tokens"].fill_(10**6)),
        "row numbers",
    ),
    "bias": (
        lambda f: break_weights(f, lambda t: t.update({"document.head.bias": torch.ones(3)})),
        "weights of",
    ),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json is missing; copy"),
    "tokenizer": (lambda f: flip(f / "tokenizer.json"), "damaged, or not what was saved"),
    "settings": (
        lambda f: change_config(f, "hidden_size", 16),
        "not the weights of the settings beside it",
    ),
    "heads": (
        lambda f: change_config(f, "num_attention_heads", 0),
        "not a model that can be loaded",
    ),
    "no settings": (lambda f: (f / "document" / "config.json").unlink(), r"no config\.json"),
}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def change_config(folder: Path, name: str, value: object) -> None:
    path = folder / "document" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compact")
    save_compact(hyper(folder), folder / "small")
    return folder / "small"


@pytest.mark.parametrize("what", BROKEN)
def test_broken_folders_are_told(small: Path, tmp_path: Path, what: str) -> None:
    import shutil

    folder = tmp_path / "broken"
    shutil.copytree(small, folder)
    damage, message = BROKEN[what]
    damage(folder)
    with pytest.raises(ValueError, match=message) as told:
        Retriever.from_pretrained(folder)
    assert str(folder) in str(told.value)


def test_precision_of_words() -> None:
    assert Precision.of(["6", "embeddings=4"]) == Precision(4, 6, 6, 6, 4)
    assert Precision.of(["differences=2"], 32) == Precision(differences=2, group=32)
    for words in (["nine"], ["heads=4"], ["=4"], ["embeddings="], ["-1"]):
        with pytest.raises(ValueError, match="neither a number nor"):
            Precision.of(words)
    with pytest.raises(ValueError, match="embeddings=9"):
        Precision.of(["9"])
