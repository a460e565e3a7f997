from __future__ import annotations

from pathlib import Path

import pytest

from hyper_ir.models.integrity import require_undamaged
from hyper_ir.models.retriever import Retriever
from tests.tiny_models import save_checkpoint


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    retriever = Retriever.from_pretrained(save_checkpoint(tmp_path / "bert"))
    retriever.save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def flip_last_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_saved_model_loads_and_may_be_moved(saved: Path) -> None:
    before = Retriever.from_pretrained(saved).weights_hash
    moved = saved.rename(saved.with_name("moved"))
    (moved / "README.md").write_text("something that the user adds")
    assert Retriever.from_pretrained(moved).weights_hash == before


@pytest.mark.parametrize("name", ["document/model.safetensors", "tokenizer.json"])
def test_one_flipped_bit_is_named(saved: Path, name: str) -> None:
    flip_last_bit(saved / name)
    with pytest.raises(ValueError, match=rf"{name}: damaged, or not what was saved"):
        Retriever.from_pretrained(saved)


def test_a_lost_file_is_named(saved: Path) -> None:
    (saved / "tokenizer.json").unlink()
    with pytest.raises(ValueError, match=r"tokenizer\.json is missing; copy the model's folder"):
        Retriever.from_pretrained(saved)


@pytest.mark.parametrize("model", [{}, {"files": "all"}, {"files": {}}])
def test_a_manifest_without_digests_says_nothing(saved: Path, model: dict[str, object]) -> None:
    flip_last_bit(saved / "document/model.safetensors")
    require_undamaged(saved, model)
