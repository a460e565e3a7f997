from __future__ import annotations

import tomllib
from pathlib import Path, PurePosixPath

import pytest

import hyper_ir
from hyper_ir.models import pretrained
from hyper_ir.models.card import card_of
from hyper_ir.models.checkpoint import find_checkpoint
from hyper_ir.models.compact_file import LAYOUT_FILE
from hyper_ir.models.retriever import Retriever
from tests.tiny_models import save_checkpoint


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped models with one, called tiny."""
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "pretrained")
    retriever = Retriever.from_pretrained(save_checkpoint(tmp_path / "model"))
    retriever.save_pretrained(tmp_path / "pretrained" / "tiny")
    return tmp_path / "pretrained"


def test_a_shipped_model_is_taken_by_its_name(shipped: Path) -> None:
    assert pretrained.pretrained_names() == ["tiny"]
    checkpoint = find_checkpoint("hyper_ir:tiny")
    assert (checkpoint.name, checkpoint.folder) == ("hyper_ir:tiny", shipped / "tiny")
    retriever = Retriever.from_pretrained("hyper_ir:tiny")
    assert retriever.weights_hash == Retriever.from_pretrained(shipped / "tiny").weights_hash


@pytest.mark.parametrize("name", ["hyper_ir:other", "hyper_ir:", "hyper_ir:../model"])
def test_a_name_that_is_not_shipped_is_told_what_is(shipped: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} is not shipped .* shipped: hyper_ir:tiny"):
        find_checkpoint(name)
    (shipped / "tiny" / "retriever.json").unlink()
    with pytest.raises(ValueError, match="shipped: none"):
        find_checkpoint(name)


def test_all_files_of_a_shipped_model_are_package_data() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["hyper_ir"]
    for name in ("compact.safetensors", "card.json", "hyper_ir.manifest", "query/prompts.json"):
        path = PurePosixPath("pretrained") / pretrained.DEFAULT / name
        assert any(path.match(pattern) for pattern in patterns), name


def test_what_is_shipped_is_compact_and_has_a_card() -> None:
    folder = Path(hyper_ir.__file__).parent / "pretrained"
    names = [path.parent for path in folder.glob("*/retriever.json")]
    if not names:
        pytest.skip("no model is shipped with this checkout")
    for model in names:
        assert (model / LAYOUT_FILE).is_file()
        assert sum(path.stat().st_size for path in model.rglob("*") if path.is_file()) <= 31e6
        card = card_of(model)
        assert card is not None
        assert card.name == model.name
        assert card.compaction is not None
